/* The floor under every server here: epoll, one read, one write, no parsing, no memory per connection.
 *
 *   raw-floor PORT [close | BODY_BYTES]
 *
 * It answers once for each empty line it sees in what one read returned; with `close` it ends the connection
 * after the first answer, with BODY_BYTES its body has that length. It is also the upstream that the proxies are measured in front of. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, READ_BYTES_MAX = 16384, ANSWERS_MAX = 64 };

#define BODY "\r\n\r\nHello, World!"
static const char KEEP[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT" BODY;
static const char LAST[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT" BODY;

static int listen_on(int port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) != 0 || listen(listener, 4096) != 0) {
        perror("raw-floor");
        exit(1);
    }
    return listener;
}

static void watch(int poller, int socket_fd) {
    struct epoll_event interest = {.events = EPOLLIN, .data = {.fd = socket_fd}};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, socket_fd, &interest) != 0)
        close(socket_fd);
}

static void accept_all(int poller, int listener) {
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
        if (client < 0)
            return;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(poller, client);
    }
}

static int empty_lines(const char *bytes, size_t length) {
    int count = 0;
    const char *end = bytes + length;
    while (count < ANSWERS_MAX && (bytes = memmem(bytes, end - bytes, "\r\n\r\n", 4)) != NULL) {
        bytes += 4;
        count++;
    }
    return count;
}

static void answer(int client, const char *answers, size_t each, int close_after) {
    static char request[READ_BYTES_MAX];
    ssize_t got = recv(client, request, sizeof request, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close(client);
        return;
    }
    int count = close_after ? 1 : empty_lines(request, got);
    if (send(client, answers, each * count, MSG_NOSIGNAL) < 0 || close_after)
        close(client);
}

/* The answer with a body of this length; of the usual one for 0. */
static char *answer_of(size_t body_bytes, int close_after, size_t *length) {
    const char *usual = close_after ? LAST : KEEP;
    if (body_bytes == 0) {
        *length = strlen(usual);
        return strdup(usual);
    }
    char *answer = malloc(sizeof KEEP + 32 + body_bytes);
    int head = sprintf(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n", body_bytes);
    memset(answer + head, 'b', body_bytes);
    *length = head + body_bytes;
    return answer;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "raw-floor PORT [close | BODY_BYTES]\n");
        return 2;
    }
    int close_after = argc > 2 && strcmp(argv[2], "close") == 0;
    size_t body_bytes = argc > 2 && !close_after ? strtoul(argv[2], NULL, 10) : 0, each;
    char *one = answer_of(body_bytes, close_after, &each);
    char *answers = malloc(each * ANSWERS_MAX);
    for (int i = 0; i < ANSWERS_MAX; i++)
        memcpy(answers + i * each, one, each);
    int listener = listen_on(atoi(argv[1])), poller = epoll_create1(EPOLL_CLOEXEC);
    watch(poller, listener);
    for (;;) {
        struct epoll_event ready[EVENTS_MAX];
        int count = epoll_wait(poller, ready, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd == listener)
                accept_all(poller, listener);
            else
                answer(ready[i].data.fd, answers, each, close_after);
        }
    }
}
