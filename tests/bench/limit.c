/* The echo server that is the limit: epoll, blocks of 64 KiB, nothing more.
 *
 *   limit PORT [FILE]   FILE: what comes is also appended to it, with write(2), before it is sent back
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CHUNK 65536
#define BACKLOG 1024

/* What could not be sent at once is kept, and nothing more is received before it has gone. */
struct peer { int fd, at, end; char *rest; };

static char chunk[CHUNK];
static int ep, file = -1;

static void die(const char *what) {
    fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(int how, struct peer *p, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = p};
    if (epoll_ctl(ep, how, p->fd, &e)) die("epoll_ctl");
}

static void gone(struct peer *p) {
    close(p->fd);
    free(p->rest);
    free(p);
}

static void accept_all(int listener) {
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct peer *p = calloc(1, sizeof *p);
        if (!p) die("calloc");
        p->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(EPOLL_CTL_ADD, p, EPOLLIN);
    }
    if (errno != EAGAIN && errno != ECONNABORTED) die("accept");
}

static void append(const char *data, ssize_t size) {
    while (size > 0) {
        ssize_t done = write(file, data, (size_t)size);
        if (done < 0) die("write");
        data += done;
        size -= done;
    }
}

static void receive(struct peer *p) {
    ssize_t got = recv(p->fd, chunk, CHUNK, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        gone(p);
        return;
    }
    if (file >= 0) append(chunk, got);
    ssize_t sent = send(p->fd, chunk, (size_t)got, MSG_NOSIGNAL);
    if (sent == got) return;
    if (sent < 0 && errno != EAGAIN) {
        gone(p);
        return;
    }
    if (sent < 0) sent = 0;
    if (!p->rest && !(p->rest = malloc(CHUNK))) die("malloc");
    p->at = 0;
    p->end = (int)(got - sent);
    memcpy(p->rest, chunk + sent, (size_t)p->end);
    watch(EPOLL_CTL_MOD, p, EPOLLOUT);
}

static void send_rest(struct peer *p) {
    ssize_t sent = send(p->fd, p->rest + p->at, (size_t)(p->end - p->at), MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN) gone(p);
        return;
    }
    if ((p->at += (int)sent) == p->end) watch(EPOLL_CTL_MOD, p, EPOLLIN);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: see the head of limit.c\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with whoever started it */
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (argc > 2 && (file = open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600)) < 0) die(argv[2]);
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct peer listener = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    int one = 1;
    setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener.fd, (struct sockaddr *)&own, sizeof own)) die("bind");
    if (listen(listener.fd, BACKLOG)) die("listen");
    ep = epoll_create1(0);
    watch(EPOLL_CTL_ADD, &listener, EPOLLIN);
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(ep, events, 256, -1);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (p == &listener)
                accept_all(listener.fd);
            else if (events[i].events & EPOLLOUT)
                send_rest(p);
            else
                receive(p);
        }
    }
}
