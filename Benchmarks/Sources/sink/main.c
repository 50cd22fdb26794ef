// A server that costs nearly nothing: `sink` listens on a free port of the loopback interface and prints the port. It
// reads and discards the bodies of HTTP/1.1 requests, a thread for each connection, and answers 200. It does not decode
// chunked bodies: one ends where the received bytes end like a last chunk.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { size = 256 << 10 };

static int send_all(int socket, const char *text) { return send(socket, text, strlen(text), MSG_NOSIGNAL) > 0; }

// The value of a header field; NULL if there is none.
static const char *field(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, name, length)) return line + 2 + length;
    return NULL;
}

// Discards a body, of which the first bytes are in the buffer. Returns 0 when the connection is lost.
static int discard(int socket, char *buffer, ssize_t count, const char *length) {
    static const char end[] = "\r\n0\r\n\r\n";
    const size_t tail = sizeof end - 1;
    for (long long left = length ? atoll(length) - count : 0; length ? left > 0 : 1; left -= count) {
        if (!length && (size_t)count >= tail && !memcmp(buffer + count - tail, end, tail)) return 1;
        // The last chunk may arrive in pieces.
        size_t kept = length ? 0 : (size_t)count < tail ? (size_t)count : tail;
        memmove(buffer, buffer + count - kept, kept);
        ssize_t more = recv(socket, buffer + kept, size - kept, 0);
        if (more <= 0) return 0;
        count = length ? more : (ssize_t)kept + more;
    }
    return 1;
}

static void *serve(void *context) {
    int socket = (int)(intptr_t)context;
    char *buffer = malloc(size + 1);
    ssize_t filled = 0;
    for (ssize_t count; (count = recv(socket, buffer + filled, size - filled, 0)) > 0;) {
        filled += count;
        buffer[filled] = 0;
        char *body = strstr(buffer, "\r\n\r\n");
        if (!body) continue;
        body[2] = 0;
        body += 4;
        const char *length = field(buffer, "content-length:");
        int has_body = length || field(buffer, "transfer-encoding:");
        if (field(buffer, "expect:") && !send_all(socket, "HTTP/1.1 100 Continue\r\n\r\n")) break;
        long long announced = length ? atoll(length) : 0;
        char number[24];
        snprintf(number, sizeof number, "%lld", announced);
        filled = buffer + filled - body;
        memmove(buffer, body, filled);
        if (has_body && !discard(socket, buffer, filled, length ? number : NULL)) break;
        filled = 0;
        if (!send_all(socket, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")) break;
    }
    free(buffer);
    close(socket);
    return NULL;
}

int main(void) {
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 128)
        || getsockname(listener, (struct sockaddr *)&address, &length)) {
        perror("sink");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        pthread_t thread;
        if (connection < 0) continue;
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)connection)) close(connection);
        else pthread_detach(thread);
    }
}
