// A proxy with a delay: `delay MILLISECONDS TARGET-PORT` listens on a free port of the loopback interface and prints the
// port. It forwards all bytes that many milliseconds after they were received, in each direction, at any speed: up to
// 256 MiB are under way. Connections open without delay, and TCP's slow start is not simulated.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { piece = 256 << 10, most = 256 << 20 };

static struct timespec delay;

// The end of the bytes has a count of 0.
struct chunk {
    struct chunk *next;
    struct timespec due;
    ssize_t count;
    char bytes[];
};

struct direction {
    int from, to;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct chunk *first, **last;
    size_t queued;
};

static struct timespec later(struct timespec time) {
    time.tv_sec += delay.tv_sec;
    time.tv_nsec += delay.tv_nsec;
    if (time.tv_nsec >= 1000000000) time.tv_sec++, time.tv_nsec -= 1000000000;
    return time;
}

static void *receive(void *context) {
    struct direction *way = context;
    char *buffer = malloc(piece);
    for (ssize_t count = 1; count > 0;) {
        count = recv(way->from, buffer, piece, 0);
        if (count < 0) count = 0;
        struct chunk *chunk = malloc(sizeof *chunk + count);
        clock_gettime(CLOCK_MONOTONIC, &chunk->due);
        chunk->due = later(chunk->due);
        chunk->next = NULL;
        chunk->count = count;
        __builtin_memcpy(chunk->bytes, buffer, count);
        pthread_mutex_lock(&way->lock);
        while (way->queued > most) pthread_cond_wait(&way->changed, &way->lock);
        *way->last = chunk;
        way->last = &chunk->next;
        way->queued += count;
        pthread_cond_broadcast(&way->changed);
        pthread_mutex_unlock(&way->lock);
    }
    free(buffer);
    return NULL;
}

static void *forward(void *context) {
    struct direction *way = context;
    for (ssize_t count = 1; count > 0;) {
        pthread_mutex_lock(&way->lock);
        while (!way->first) pthread_cond_wait(&way->changed, &way->lock);
        struct chunk *chunk = way->first;
        way->first = chunk->next;
        if (!way->first) way->last = &way->first;
        way->queued -= chunk->count;
        pthread_cond_broadcast(&way->changed);
        pthread_mutex_unlock(&way->lock);
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &chunk->due, NULL)) {}
        count = chunk->count;
        for (ssize_t sent = 0; sent < count;) {
            ssize_t more = send(way->to, chunk->bytes + sent, count - sent, MSG_NOSIGNAL);
            // Whoever does not read any more is still read from.
            if (more < 0) break;
            sent += more;
        }
        free(chunk);
    }
    shutdown(way->to, SHUT_WR);
    return NULL;
}

static void *serve(void *context) {
    int client = (int)(intptr_t)((void **)context)[0], target = (int)(intptr_t)((void **)context)[1];
    struct direction ways[2] = {{.from = client, .to = target}, {.from = target, .to = client}};
    pthread_t threads[4];
    for (int i = 0; i < 2; i++) {
        pthread_mutex_init(&ways[i].lock, NULL);
        pthread_cond_init(&ways[i].changed, NULL);
        ways[i].last = &ways[i].first;
        pthread_create(&threads[2 * i], NULL, receive, &ways[i]);
        pthread_create(&threads[2 * i + 1], NULL, forward, &ways[i]);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    close(client);
    close(target);
    free(context);
    return NULL;
}

int main(int count, char **arguments) {
    if (count != 3) {
        puts("usage: delay MILLISECONDS TARGET-PORT");
        return 2;
    }
    int milliseconds = atoi(arguments[1]), one = 1;
    delay = (struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in target = address;
    target.sin_port = htons(atoi(arguments[2]));
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 128)
        || getsockname(listener, (struct sockaddr *)&address, &length)) {
        perror("delay");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL), server = socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || connect(server, (struct sockaddr *)&target, sizeof target)) {
            close(client);
            close(server);
            continue;
        }
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        void **pair = malloc(2 * sizeof *pair);
        pair[0] = (void *)(intptr_t)client;
        pair[1] = (void *)(intptr_t)server;
        pthread_t thread;
        pthread_create(&thread, NULL, serve, pair);
        pthread_detach(thread);
    }
}
