// Does the same as `requests`, in C with libcurl's easy interface, as its documentation shows: one handle for all
// requests, a form in memory, and the response is read. Usage: `crequests URL COUNT`.

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct answer {
    char *bytes;
    size_t count;
};

static size_t keep(char *bytes, size_t size, size_t count, void *context) {
    struct answer *answer = context;
    char *longer = realloc(answer->bytes, answer->count + size * count);
    if (!longer) return 0;
    answer->bytes = longer;
    memcpy(longer + answer->count, bytes, size * count);
    answer->count += size * count;
    return size * count;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 3) {
        puts("usage: crequests URL COUNT");
        return 2;
    }
    int requests = atoi(arguments[2]);
    char content[1024];
    memset(content, 7, sizeof content);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, arguments[1]);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
    double start = now();
    for (int request = 0; request < requests; request++) {
        struct answer answer = {NULL, 0};
        curl_mime *form = curl_mime_init(easy);
        curl_mimepart *part = curl_mime_addpart(form);
        curl_mime_name(part, "file");
        curl_mime_filename(part, "small.bin");
        curl_mime_data(part, content, sizeof content);
        curl_easy_setopt(easy, CURLOPT_MIMEPOST, form);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
        CURLcode code = curl_easy_perform(easy);
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_mime_free(form);
        if (code != CURLE_OK || status < 200 || status > 299 || answer.count == 0) {
            printf("%s, status %ld\n", curl_easy_strerror(code), status);
            return 1;
        }
        free(answer.bytes);
    }
    printf("%f\n", requests / (now() - start));
    curl_easy_cleanup(easy);
    return 0;
}
