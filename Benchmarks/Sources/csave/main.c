// Stores small files as the server does with `--durability full`, without a network: threads create unnamed files, write,
// sync, link, and sync the folder. Usage: `csave FOLDER COUNT THREADS SIZE`. Prints files per second.

#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int folder, count;
static size_t size;
static char *content;
static atomic_int next;

static void check(int result, const char *call) {
    if (result >= 0) return;
    perror(call);
    exit(1);
}

static void *save(void *unused) {
    (void)unused;
    for (int number; (number = atomic_fetch_add(&next, 1)) < count;) {
        char path[64], name[64];
        int file = openat(folder, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
        check(file, "openat");
        check(write(file, content, size) == (ssize_t)size ? 0 : -1, "write");
        check(fdatasync(file), "fdatasync");
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        snprintf(name, sizeof name, "c-%d", number);
        check(linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW), "linkat");
        check(fsync(folder), "fsync");
        check(close(file), "close");
    }
    return NULL;
}

int main(int argumentCount, char **arguments) {
    if (argumentCount != 5) {
        puts("usage: csave FOLDER COUNT THREADS SIZE");
        return 2;
    }
    folder = open(arguments[1], O_RDONLY | O_DIRECTORY);
    check(folder, arguments[1]);
    count = atoi(arguments[2]);
    int threads = atoi(arguments[3]);
    size = strtoul(arguments[4], NULL, 10);
    content = malloc(size);
    memset(content, 7, size);

    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t ids[threads];
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, save, NULL);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.0f\n", count / (end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9));
}
