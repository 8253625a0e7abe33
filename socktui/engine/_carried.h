/* Carrying plain streams: accept, recv and send, each recorded as it is made. What C does of it, without Python.
 *
 * What is carried is a listener's connections, as long as nothing is to be done on them but to send back what comes,
 * or to throw it away. Whatever else happens (a FIN, an error, no room) is handed over: see carrying.py.
 */
#ifndef SOCKTUI_CARRIED_H
#define SOCKTUI_CARRIED_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../journal/_append.h"

enum { EVENTS = 256, ACCEPTS_AT_ONCE = 64 };
enum { CALLS_AT_ONCE = 2 };             /* that one recv() or accept() brings */
enum { NAMES = 1024, ADDRESS = 128 };   /* bytes of JSON: a connection's names but its peer's, and an address */
enum { SAID_AT_ONCE = NAMES + 1024 };   /* bytes of the heap: more than an accept() has to say */
enum { KEPT_AT_ONCE = 3 };              /* ranges of the heap that an accept() adds */
static const uint64_t TURN_NS = 2000000; /* so long nobody else is asked, and the disk is told of nothing */

static const char NODELAY[] = "[[\"IPPROTO_TCP\",\"TCP_NODELAY\",1],null,0]";

/* A listener whose connections are carried. names: the JSON of a connection's, `before` bytes of it before the peer's,
 * and `after` behind. It lives until it is stopped and none of its connections is carried any more. */
struct listener {
    int fd; /* -1: stopped */
    uint32_t number, buffer, carried;
    int echoes;
    size_t before, after;
    char names[NAMES];
};

/* Bytes that were received, stand at `at` of the heap, and are to be sent; `done` of them have been. */
struct owed {
    unsigned char *data; /* NULL: there are none */
    uint32_t length, done;
    uint64_t at;
};

/* What is known of a descriptor: a connection, or (number 0) its listener itself, or nothing.
 * starved: it waits for room in the ring. fed: it is its turn, though others wait. */
struct carried {
    struct listener *listener;
    uint32_t number;
    uint8_t starved, fed;
    struct owed owed;
};

/* What Python has to go on with: a connection, or a listener whose accept() failed. call: one that was made and is
 * not yet recorded, as it failed or told of the end; its name is 0 where there is none. */
struct handed {
    int fd;
    uint32_t number, listener;
    struct owed owed;
    struct call call;
};

struct carrier {
    int epoll;
    struct journal journal;
    struct carried *carried; /* by descriptor */
    int room;                /* descriptors below this have a place there */
    int *starved;            /* descriptors, in the order in which they have begun to wait */
    size_t starved_count, starved_room;
    struct handed *handed;
    size_t handed_count, handed_room;
};

/* Going on would lose what was received unsaid. */
static void no_memory(void) {
    fputs("socktui: no memory\n", stderr);
    abort();
}

/* An array with room for one more. */
static void *enough(void *array, size_t *room, size_t count, size_t size) {
    if (count < *room) return array;
    *room = count * 2 + 64;
    array = realloc(array, *room * size);
    if (!array) no_memory();
    return array;
}

/* The place of a descriptor. What there was before may have moved. */
static struct carried *place(struct carrier *self, int fd) {
    if (fd >= self->room) {
        int room = fd + fd / 2 + 64;
        self->carried = realloc(self->carried, (size_t)room * sizeof *self->carried);
        if (!self->carried) no_memory();
        memset(self->carried + self->room, 0, (size_t)(room - self->room) * sizeof *self->carried);
        self->room = room;
    }
    return self->carried + fd;
}

static void watch(struct carrier *self, int operation, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    epoll_ctl(self->epoll, operation, fd, &event);
}

static void let_go(struct listener *listener) {
    if (listener->fd < 0 && !listener->carried) free(listener);
}

/* Connections */

static void hand(struct carrier *self, const struct handed *handed) {
    self->handed = enough(self->handed, &self->handed_room, self->handed_count, sizeof *self->handed);
    self->handed[self->handed_count++] = *handed;
}

/* Leave a connection to Python, with a call that is still to be recorded, if there is one. */
static void hand_over(struct carrier *self, int fd, const struct call *call) {
    struct carried connection = self->carried[fd];
    struct handed handed = {.fd = fd, .number = connection.number, .listener = connection.listener->number};
    handed.owed = connection.owed;
    if (call) handed.call = *call;
    hand(self, &handed);
    watch(self, EPOLL_CTL_DEL, fd, 0);
    self->carried[fd] = (struct carried){0};
    connection.listener->carried--;
    let_go(connection.listener);
}

/* Record a send() or recv() that moved bytes. */
static void moved(struct carrier *self, int fd, struct call *call, ssize_t length) {
    struct journal *j = &self->journal;
    uint32_t number = self->carried[fd].number;
    uint64_t *total = call->name == SEND ? &slot_of(j, number)->sent : &slot_of(j, number)->received;
    call->result = (int32_t)length;
    call->length = (uint32_t)length;
    call->offset = *total;
    append(j, number, call);
    *total += (uint64_t)length;
}

/* Send bytes that stand at `at` of the heap: how many the kernel took, or -1 where it is Python's turn. */
static ssize_t send_some(struct carrier *self, int fd, const unsigned char *data, uint32_t length, uint64_t at) {
    struct call call = {.name = SEND, .size = length, .at = at, .began = now()};
    ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
    call.ended = now();
    if (sent >= 0) {
        moved(self, fd, &call, sent);
        return sent;
    }
    if (errno == EAGAIN) {
        slot_of(&self->journal, self->carried[fd].number)->again++;
        return 0;
    }
    call.result = -1;
    call.error = (uint16_t)errno;
    hand_over(self, fd, &call);
    return -1;
}

static void echo(struct carrier *self, int fd, const unsigned char *data, uint32_t length, uint64_t at) {
    ssize_t sent = send_some(self, fd, data, length, at);
    if (sent < 0 || (uint32_t)sent == length) return;
    /* The ring's memory may serve others while this waits: what is left is taken out of it. */
    uint32_t left = length - (uint32_t)sent;
    struct owed owed = {.data = malloc(left), .length = left, .at = at + (uint64_t)sent};
    if (!owed.data) no_memory();
    memcpy(owed.data, data + sent, left);
    self->carried[fd].owed = owed;
    watch(self, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLRDHUP);
}

static void send_owed(struct carrier *self, int fd) {
    struct owed *owed = &self->carried[fd].owed;
    uint32_t left = owed->length - owed->done;
    ssize_t sent = send_some(self, fd, owed->data + owed->done, left, owed->at + owed->done);
    if (sent < 0) return;
    owed->done += (uint32_t)sent;
    if ((uint32_t)sent < left) return;
    free(owed->data);
    owed->data = NULL;
    watch(self, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP);
}

/* Have a connection wait for room in the ring. Its FIN and its end are told meanwhile. */
static void starve(struct carrier *self, int fd) {
    self->starved = enough(self->starved, &self->starved_room, self->starved_count, sizeof *self->starved);
    self->starved[self->starved_count++] = fd;
    self->carried[fd].starved = 1;
    watch(self, EPOLL_CTL_MOD, fd, EPOLLRDHUP);
}

/* Give those that wait for room in the ring their turn. */
static void feed(struct carrier *self) {
    for (size_t i = 0; i < self->starved_count; i++) {
        int fd = self->starved[i];
        struct carried *connection = self->carried + fd;
        if (!connection->starved) continue; /* it was handed over meanwhile */
        connection->starved = 0;
        connection->fed = 1;
        watch(self, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP);
    }
    self->starved_count = 0;
}

/* Receive once, and send it back where the service is echo. starving: others wait for room in the ring already. */
static void receive(struct carrier *self, int fd, int starving) {
    struct journal *j = &self->journal;
    struct carried *connection = self->carried + fd;
    struct listener *listener = connection->listener;
    uint64_t at;
    unsigned char *memory = starving && !connection->fed ? NULL : space(j, listener->buffer, j->reserve, &at);
    connection->fed = 0;
    if (!memory) {
        starve(self, fd);
        return;
    }
    struct call call = {.name = RECV, .size = listener->buffer, .at = at, .began = now()};
    ssize_t length = recv(fd, memory, call.size, 0);
    call.ended = now();
    if (length > 0) {
        header_put_u64(j, HEAD_AT, at + (uint64_t)length);
        moved(self, fd, &call, length);
        if (listener->echoes) echo(self, fd, memory, (uint32_t)length, at);
    } else if (length < 0 && errno == EAGAIN) {
        slot_of(j, connection->number)->again++;
    } else {
        call.result = (int32_t)length;
        call.error = length ? (uint16_t)errno : 0;
        hand_over(self, fd, &call);
    }
}

/* Listeners */

/* JSON of an address, and the same as text: ["::1",5005] and [::1]:5005. carrying.py refuses other families. */
static void address(const struct sockaddr_storage *from, char *json, char *text) {
    char host[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE] = "";
    if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        if (six->sin6_scope_id) {
            size_t end = strlen(host);
            host[end++] = '%';
            if (!if_indextoname(six->sin6_scope_id, host + end)) sprintf(host + end, "%u", six->sin6_scope_id);
        }
        sprintf(json, "[\"%s\",%u]", host, ntohs(six->sin6_port));
        sprintf(text, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)from;
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        sprintf(json, "[\"%s\",%u]", host, ntohs(four->sin_port));
        sprintf(text, "%s:%u", host, ntohs(four->sin_port));
    }
}

/* Record an accept(2), and enter the socket that it made: Journal.call() and Journal.entry(). */
static void enter(struct carrier *self, struct listener *listener, struct call *call, const struct sockaddr_storage *from) {
    struct journal *j = &self->journal;
    char json[ADDRESS], text[ADDRESS], details[ADDRESS + 32], names[NAMES + ADDRESS];
    uint32_t number = sockets(j) + 1;
    address(from, json, text);
    call->details = (uint16_t)sprintf(details, "[[],%s,%u]", json, number);
    call->at = keep(j, details, call->details);
    uint32_t accepted = (uint32_t)header_u64(j, COUNT_AT);
    append(j, listener->number, call);
    size_t before = listener->before, peer = strlen(text), length = before + peer + listener->after;
    memcpy(names, listener->names, before);
    memcpy(names + before, text, peer);
    memcpy(names + before + peer, listener->names + before, listener->after);
    *slot_of(j, number) = (struct slot){
        .active = call->began,
        .first = accepted,
        .parent = listener->number,
        .fd = call->result,
        .names = (uint16_t)length,
        .role = ROLE_ACCEPTED,
        .state = STATE_ESTAB,
        .born = call->began,
        .names_at = keep(j, names, length),
        .pid = slot_of(j, listener->number)->pid,
    };
    header_put_sockets(j, number);
}

/* TCP_NODELAY on a new connection, recorded. Where it was reset meanwhile, its first recv() tells why. */
static void set_nodelay(struct carrier *self, int fd, uint32_t number) {
    struct journal *j = &self->journal;
    struct call call = {.name = SETSOCKOPT, .began = now(), .details = sizeof NODELAY - 1};
    call.result = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    call.error = call.result ? (uint16_t)errno : 0;
    call.ended = now();
    call.at = keep(j, NODELAY, sizeof NODELAY - 1);
    append(j, number, &call);
}

/* Accept once: whether there may be more. */
static int accept_one(struct carrier *self, struct listener *listener) {
    struct journal *j = &self->journal;
    struct sockaddr_storage from;
    socklen_t size = sizeof from;
    struct call call = {.name = ACCEPT, .began = now()};
    int fd = accept4(listener->fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    call.ended = now();
    if (fd < 0 && errno == EAGAIN) {
        slot_of(j, listener->number)->again++;
        return 0;
    }
    if (fd < 0) {
        call.result = -1;
        call.error = (uint16_t)errno;
        uint32_t number = listener->number;
        hand(self, &(struct handed){.fd = listener->fd, .number = number, .listener = number, .call = call});
        return 0;
    }
    call.result = fd;
    enter(self, listener, &call, &from);
    set_nodelay(self, fd, sockets(j));
    *place(self, fd) = (struct carried){.listener = listener, .number = sockets(j)};
    listener->carried++;
    watch(self, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP);
    return 1;
}

/* Whether the capture has room for the calls that a connection may make at once. */
static int room_for_calls(const struct journal *j) {
    return header_u64(j, COUNT_AT) + CALLS_AT_ONCE <= j->calls_room;
}

/* Whether it has room for one more connection. */
static int room_for_one(const struct journal *j) {
    uint64_t at;
    return room_for_calls(j) && sockets(j) < j->slots_room && space(j, SAID_AT_ONCE, 0, &at);
}

/* Accept those that wait: 0 where there was no room for any, and it is Python's turn. */
static int accept_some(struct carrier *self, struct listener *listener) {
    struct journal *j = &self->journal;
    if (!room_for_one(j)) return 0;
    for (int i = 0; i < ACCEPTS_AT_ONCE && room_for_one(j); i++) {
        j->kept = enough(j->kept, &j->kept_room, j->kept_count + KEPT_AT_ONCE, sizeof *j->kept);
        if (!accept_one(self, listener)) break;
    }
    return 1;
}

/* Do what a ready descriptor asks for: 0 where it is Python's turn, as it is no carried one or there is no room. */
static int ready(struct carrier *self, int fd, uint32_t events, int starving) {
    struct carried *carried = fd < self->room ? self->carried + fd : NULL;
    if (!carried || !carried->listener) return 0;
    if (!carried->number) return accept_some(self, carried->listener);
    int roomy = room_for_calls(&self->journal);
    if (roomy && events == EPOLLIN && !carried->owed.data)
        receive(self, fd, starving);
    else if (roomy && events == EPOLLOUT && carried->owed.data)
        send_owed(self, fd);
    else
        hand_over(self, fd, NULL);
    return 1;
}

/* Wait, for so many ms (-1: without end), and do what carried sockets ask for: once where nothing is waited for, since
 * others have something to do, and else for a while. What others ask for is written to `others`, which has room for
 * EVENTS; how many there are. */
static int turn(struct carrier *self, int wait, int starving, struct epoll_event *others) {
    struct journal *j = &self->journal;
    struct epoll_event events[EVENTS];
    size_t starved = self->starved_count;
    uint64_t until = 0;
    int count = 0;
    for (int patience = wait;; patience = 1) { /* what is on its way is worth waiting for */
        int found = epoll_wait(self->epoll, events, EVENTS, patience);
        for (int i = 0; i < found; i++)
            if (!ready(self, events[i].data.fd, events[i].events, starving || self->starved_count))
                others[count++] = events[i];
        if (found <= 0 || !wait || count || self->handed_count || self->starved_count > starved) break;
        if (!until) until = now() + TURN_NS;
        if (now() > until || header_u64(j, COUNT_AT) + EVENTS * CALLS_AT_ONCE > j->calls_room) break;
    }
    return count;
}

#endif
