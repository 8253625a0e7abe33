/* A client that loads an echo server, quick enough not to be what is measured.
 *
 *   load bulk PORT BYTES [hash] [half]   one connection: writes of 64 KiB while reading back; every byte is compared
 *                                        hash: tell SHA-256 of both ways   half: send the FIN before all is back
 *   load pingpong PORT CONNECTIONS COUNT SIZE   COUNT round trips in all, one at a time on each connection
 *   load hold PORT CONNECTIONS MS [N]    connect all at once, or N at a time; echo 16 bytes on each, close it MS
 *                                        later; -1: when standard input ends
 * Prints one JSON object, `hold` one more when all have been echoed. Exit status 1: the echo was wrong.
 * `cpu` is the processor time that the client itself took: work / cpu is the most that it could have done.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 65536
#define BLOCK (32 * 1024 * 1024 + 4099) /* no multiple of any buffer */

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

/* Pseudo-random bytes: splitmix64 of a counter. */
static unsigned char *random_block(void) {
    uint64_t *block = malloc(BLOCK + 8);
    if (!block) die("malloc");
    for (uint64_t i = 0; i < (BLOCK + 7) / 8; i++) {
        uint64_t z = (i + 5005) * 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        block[i] = z ^ (z >> 31);
    }
    return (unsigned char *)block;
}

/* SHA-256, FIPS 180-4. */
struct sha { uint32_t state[8]; uint64_t length; unsigned char rest[64]; };

static uint32_t K[64];

static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The constants are the first 32 bits of the fractional parts of roots of primes: found by search, exactly. */
static uint32_t fraction(unsigned prime, int cube) {
    unsigned __int128 target = (unsigned __int128)prime << (cube ? 96 : 64);
    uint64_t root = 0;
    for (int bit = 40; bit >= 0; bit--) {
        unsigned __int128 next = root | (uint64_t)1 << bit;
        if ((cube ? next * next * next : next * next) <= target) root = (uint64_t)next;
    }
    return (uint32_t)root;
}

static void sha_start(struct sha *s) {
    unsigned primes[64], found = 0;
    for (unsigned n = 2; found < 64; n++) {
        unsigned i = 0;
        while (i < found && n % primes[i]) i++;
        if (i == found) primes[found++] = n;
    }
    for (int i = 0; i < 64; i++) K[i] = fraction(primes[i], 1);
    for (int i = 0; i < 8; i++) s->state[i] = fraction(primes[i], 0);
    s->length = 0;
}

static void sha_block(struct sha *s, const unsigned char *p) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++) { uint32_t x; memcpy(&x, p + 4 * i, 4); w[i] = htonl(x); }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + w[i - 7] + (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
    }
    memcpy(v, s->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t1 = v[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + K[i] + w[i];
        uint32_t t2 = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) s->state[i] += v[i];
}

static void sha_add(struct sha *s, const unsigned char *p, size_t n) {
    size_t have = s->length % 64;
    s->length += n;
    if (have) {
        size_t take = n < 64 - have ? n : 64 - have;
        memcpy(s->rest + have, p, take);
        if (have + take < 64) return;
        sha_block(s, s->rest);
        p += take, n -= take;
    }
    for (; n >= 64; p += 64, n -= 64) sha_block(s, p);
    memcpy(s->rest, p, n);
}

static const char *sha_end(struct sha *s, char *hex) {
    uint64_t bits = s->length * 8;
    unsigned char end[72] = {0x80};
    size_t pad = (119 - s->length % 64) % 64 + 1;
    for (int i = 0; i < 8; i++) end[pad + i] = (unsigned char)(bits >> (56 - 8 * i));
    sha_add(s, end, pad + 8);
    for (int i = 0; i < 8; i++) sprintf(hex + 8 * i, "%08x", s->state[i]);
    return hex;
}

static int start_connecting(int port, int blocking) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) && errno != EINPROGRESS) die("connect");
    return fd;
}

static int bulk(int port, uint64_t total, int hash, int half) {
    unsigned char *block = random_block(), *in = malloc(4 * CHUNK);
    struct sha sent_sha, received_sha;
    sha_start(&sent_sha);
    sha_start(&received_sha);
    int fd = start_connecting(port, 1), equal = 1, fin_sent = 0, fin = 0;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    uint64_t sent = 0, received = 0;
    double began = now(), cpu_before = cpu();
    while (!fin) {
        struct pollfd p = {fd, (short)(POLLIN | (sent < total ? POLLOUT : 0)), 0};
        if (poll(&p, 1, -1) < 0) die("poll");
        if (p.revents & POLLOUT) {
            size_t at = sent % BLOCK, n = CHUNK;
            if (n > BLOCK - at) n = BLOCK - at;
            if (n > total - sent) n = total - sent;
            ssize_t done = send(fd, block + at, n, MSG_NOSIGNAL);
            if (done < 0 && errno != EAGAIN) die("send");
            if (done > 0) {
                if (hash) sha_add(&sent_sha, block + at, (size_t)done);
                sent += (uint64_t)done;
            }
        }
        if (p.revents & ~POLLOUT) {
            ssize_t n = recv(fd, in, 4 * CHUNK, 0);
            if (n < 0 && errno != EAGAIN) die("recv");
            if (n == 0) fin = 1;
            if (n > 0 && hash) sha_add(&received_sha, in, (size_t)n);
            for (ssize_t done = 0; done < n;) {
                size_t at = received % BLOCK, part = (size_t)(n - done);
                if (part > BLOCK - at) part = BLOCK - at;
                equal = equal && received + part <= sent && !memcmp(in + done, block + at, part);
                received += part;
                done += (ssize_t)part;
            }
        }
        if (!fin_sent && sent == total && (half || received >= total)) {
            shutdown(fd, SHUT_WR);
            fin_sent = 1;
        }
    }
    double seconds = now() - began, busy = cpu() - cpu_before;
    char a[65] = "", b[65] = "";
    if (hash) sha_end(&sent_sha, a), sha_end(&received_sha, b);
    equal = equal && received == total;
    printf("{\"sent\": %llu, \"received\": %llu, \"equal\": %s, \"seconds\": %.6f, \"cpu\": %.6f, "
           "\"sha_sent\": \"%s\", \"sha_received\": \"%s\"}\n", (unsigned long long)sent,
           (unsigned long long)received, equal ? "true" : "false", seconds, busy, a, b);
    return !equal;
}

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int pingpong(int port, int connections, long count, int size) {
    unsigned char *block = random_block(), *in = malloc((size_t)size);
    int *have = calloc((size_t)connections + 4096, sizeof *have);
    double *asked = calloc((size_t)connections + 4096, sizeof *asked);
    float *took = malloc((size_t)(count + connections) * sizeof *took);
    int ep = epoll_create1(0), equal = 1;
    for (int i = 0; i < connections; i++) {
        int fd = start_connecting(port, 1);
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
        if (fd >= connections + 4096 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
        fcntl(fd, F_SETFL, O_NONBLOCK);
        asked[fd] = now();
        if (send(fd, block, (size_t)size, MSG_NOSIGNAL) != size) die("send");
    }
    long done = -connections, under_way = connections; /* the first of each is slow, and not counted */
    double began = 0, cpu_before = 0;
    while (under_way) {
        struct epoll_event events[256];
        int n = epoll_wait(ep, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            ssize_t got = recv(fd, in, (size_t)(size - have[fd]), 0);
            if (got < 0 && errno == EAGAIN) continue;
            if (got <= 0) die("recv");
            equal = equal && !memcmp(in, block + have[fd], (size_t)got);
            if ((have[fd] += (int)got) < size) continue;
            have[fd] = 0;
            double t = now();
            if (done >= 0 && done < count) took[done] = (float)((t - asked[fd]) * 1e6);
            if (++done == 0) began = t, cpu_before = cpu();
            asked[fd] = t;
            if (done + under_way > count) { under_way--; continue; }
            if (send(fd, block, (size_t)size, MSG_NOSIGNAL) != size) die("send");
        }
    }
    double seconds = now() - began, busy = cpu() - cpu_before;
    qsort(took, (size_t)count, sizeof *took, by_size);
    printf("{\"round_trips\": %ld, \"seconds\": %.6f, \"cpu\": %.6f, \"equal\": %s, \"p50_us\": %.1f, "
           "\"p99_us\": %.1f}\n", count, seconds, busy, equal ? "true" : "false", took[count / 2],
           took[count * 99 / 100]);
    return !equal;
}

static int hold(int port, int connections, int ms, int at_once) {
    struct one { int fd, state; double close_at; } *all = calloc((size_t)connections, sizeof *all);
    int ep = epoll_create1(0), begun = 0, refused = 0, echoed = 0, wrong = 0, gone = 0, told = 0, input = 1;
    double began = now();
    while (gone < connections) {
        for (; begun < connections && begun - echoed - refused < at_once; begun++) {
            struct epoll_event e = {.events = EPOLLOUT, .data.u32 = (uint32_t)begun};
            all[begun].fd = start_connecting(port, 0);
            if (epoll_ctl(ep, EPOLL_CTL_ADD, all[begun].fd, &e)) die("epoll_ctl");
        }
        struct epoll_event events[256];
        int n = epoll_wait(ep, events, 256, 10);
        for (int i = 0; i < n; i++) {
            struct one *o = all + events[i].data.u32;
            struct epoll_event e = {.events = EPOLLIN, .data = events[i].data};
            char mine[17], back[17];
            snprintf(mine, sizeof mine, "connection %05u", events[i].data.u32 % 100000);
            int error = 0;
            socklen_t length = sizeof error;
            getsockopt(o->fd, SOL_SOCKET, SO_ERROR, &error, &length);
            if (o->state == 0 && !error) {
                o->state = 1;
                if (send(o->fd, mine, 16, MSG_NOSIGNAL) == 16 && !epoll_ctl(ep, EPOLL_CTL_MOD, o->fd, &e)) continue;
            } else if (o->state == 1 && !error && recv(o->fd, back, 16, 0) == 16) {
                wrong += memcmp(mine, back, 16) != 0;
                o->state = 2;
                echoed++;
                if (ms >= 0) o->close_at = now() + ms * 1e-3;
                continue;
            }
            refused += o->state < 2; /* refused, reset, or ended by the other side */
            o->state = 3;
            gone++;
            close(o->fd);
        }
        if (!told && echoed + refused >= connections) {
            printf("{\"echoed\": %d, \"refused\": %d, \"wrong\": %d, \"seconds\": %.6f}\n", echoed, refused, wrong,
                   now() - began);
            fflush(stdout);
            told = 1;
        }
        if (ms < 0 && input) {
            char c;
            struct pollfd p = {0, POLLIN, 0};
            if (poll(&p, 1, 0) > 0 && read(0, &c, 1) <= 0) input = 0;
        }
        if (ms < 0 && input) continue;
        double t = now();
        for (int i = 0; i < begun; i++)
            if (all[i].state == 2 && (ms < 0 ? !input : t >= all[i].close_at)) {
                all[i].state = 3;
                gone++;
                close(all[i].fd);
            }
    }
    printf("{\"echoed\": %d, \"refused\": %d, \"wrong\": %d, \"seconds\": %.6f}\n", echoed, refused, wrong,
           now() - began);
    return wrong || refused;
}

int main(int argc, char **argv) {
    struct rlimit files;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with whoever started it */
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    const char *mode = argc > 2 ? argv[1] : "";
    int port = argc > 2 ? atoi(argv[2]) : 0, hash = 0, half = 0;
    for (int i = 4; i < argc; i++) hash |= !strcmp(argv[i], "hash"), half |= !strcmp(argv[i], "half");
    if (!strcmp(mode, "bulk") && argc >= 4) return bulk(port, strtoull(argv[3], NULL, 10), hash, half);
    if (!strcmp(mode, "pingpong") && argc == 6) return pingpong(port, atoi(argv[3]), atol(argv[4]), atoi(argv[5]));
    if (!strcmp(mode, "hold") && (argc == 5 || argc == 6))
        return hold(port, atoi(argv[3]), atoi(argv[4]), argc == 6 ? atoi(argv[5]) : INT_MAX);
    fprintf(stderr, "usage: see the head of load.c\n");
    return 2;
}
