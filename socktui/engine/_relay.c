/* See _relay.h. */
#define _GNU_SOURCE
#include "_relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ACCEPTS_AT_ONCE = 64 };
enum { CALLS_AT_ONCE = 3 };           /* that one event brings: send what is left, receive, send */
enum { ADDRESS = 128 };               /* bytes of JSON of an address */
enum { SAID_AT_ONCE = NAMES + 1024 }; /* bytes of the heap: more than an accept() has to say */
enum { KEPT_AT_ONCE = 3 };            /* ranges of the heap that an accept() adds */
static const uint64_t TURN_NS = 2000000; /* so long nobody else is asked, and the disk is told of nothing */

static const char NODELAY[] = "[[\"IPPROTO_TCP\",\"TCP_NODELAY\",1],null,0]";

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
static struct side *place(struct mover *self, int fd) {
    if (fd >= self->room) {
        int room = fd + fd / 2 + 64;
        self->sides = realloc(self->sides, (size_t)room * sizeof *self->sides);
        if (!self->sides) no_memory();
        memset(self->sides + self->room, 0, (size_t)(room - self->room) * sizeof *self->sides);
        self->room = room;
    }
    return self->sides + fd;
}

static uint32_t buffer_of(const struct side *side) { return side->listener ? side->listener->buffer : side->buffer; }

static void let_go(struct listener *listener) {
    if (listener->fd < 0 && !listener->sides) free(listener);
}

/* Readiness. A FIN and the end are told whatever else is waited for. */

static uint32_t events_of(const struct side *side) {
    uint32_t events = EPOLLRDHUP;
    if (!side->left.data && !side->starved) events |= EPOLLIN;
    if (side->writer >= 0) events |= EPOLLOUT;
    return events;
}

static void watch(struct mover *self, int operation, int fd) {
    struct epoll_event event = {.events = events_of(self->sides + fd), .data.fd = fd};
    epoll_ctl(self->epoll, operation, fd, &event);
}

/* Handing over */

static void hand(struct mover *self, const struct handed *handed) {
    self->handed = enough(self->handed, &self->handed_room, self->handed_count, sizeof *self->handed);
    self->handed[self->handed_count++] = *handed;
}

/* Leave a side to Python, with a call that is still to be recorded, if there is one. */
static void hand_one(struct mover *self, int fd, const struct call *call) {
    struct side side = self->sides[fd];
    struct handed handed = {.fd = fd, .number = side.number, .listener = side.listener ? side.listener->number : 0};
    handed.left = side.left;
    if (call) handed.call = *call;
    hand(self, &handed);
    watch(self, EPOLL_CTL_DEL, fd);
    self->sides[fd] = (struct side){0};
    if (side.listener) {
        side.listener->sides--;
        let_go(side.listener);
    }
}

/* The same, with the other side of the two, where there are two: neither can go on here without the other. */
static void hand_over(struct mover *self, int fd, const struct call *call) {
    int to = self->sides[fd].to;
    hand_one(self, fd, call);
    if (to != fd && to != NOWHERE) hand_one(self, to, NULL);
}

/* Bytes */

/* Record a send() or recv() that moved bytes, as a call of socket `number`. */
static void moved(struct mover *self, uint32_t number, struct call *call, ssize_t length) {
    struct journal *j = &self->journal;
    uint64_t *total = call->name == SEND ? &slot_of(j, number)->sent : &slot_of(j, number)->received;
    call->result = (int32_t)length;
    call->length = (uint32_t)length;
    call->offset = *total;
    append(j, number, call);
    *total += (uint64_t)length;
}

/* Send bytes that stand at `at` of the heap to where those of `fd` go: how many the kernel took, or -1 where it is
 * Python's turn. */
static ssize_t send_some(struct mover *self, int fd, const unsigned char *data, uint32_t length, uint64_t at) {
    int to = self->sides[fd].to;
    uint32_t number = self->sides[to].number;
    struct call call = {.name = SEND, .size = length, .at = at, .began = now()};
    ssize_t sent = send(to, data, length, MSG_NOSIGNAL);
    call.ended = now();
    if (sent >= 0) {
        moved(self, number, &call, sent);
        return sent;
    }
    if (errno == EAGAIN) {
        slot_of(&self->journal, number)->again++;
        return 0;
    }
    call.result = -1;
    call.error = (uint16_t)errno;
    hand_over(self, to, &call);
    return -1;
}

/* Send what was received, as far as the kernel takes it. */
static void pass_on(struct mover *self, int fd, const unsigned char *data, uint32_t length, uint64_t at) {
    ssize_t sent = send_some(self, fd, data, length, at);
    if (sent < 0 || (uint32_t)sent == length) return;
    /* The ring's memory may serve others while this waits: what is left is taken out of it. */
    uint32_t size = length - (uint32_t)sent;
    struct left left = {.data = malloc(size), .length = size, .at = at + (uint64_t)sent};
    if (!left.data) no_memory();
    memcpy(left.data, data + sent, size);
    int to = self->sides[fd].to;
    self->sides[fd].left = left;
    self->sides[to].writer = fd;
    watch(self, EPOLL_CTL_MOD, fd);
    if (to != fd) watch(self, EPOLL_CTL_MOD, to);
}

static void send_left(struct mover *self, int fd) {
    struct left *left = &self->sides[fd].left;
    uint32_t size = left->length - left->done;
    ssize_t sent = send_some(self, fd, left->data + left->done, size, left->at + left->done);
    if (sent < 0) return;
    left->done += (uint32_t)sent;
    if ((uint32_t)sent < size) return;
    free(left->data);
    left->data = NULL;
    int to = self->sides[fd].to;
    self->sides[to].writer = -1;
    watch(self, EPOLL_CTL_MOD, fd);
    if (to != fd) watch(self, EPOLL_CTL_MOD, to);
}

/* Have a side wait for room in the ring. */
static void starve(struct mover *self, int fd) {
    self->starved = enough(self->starved, &self->starved_room, self->starved_count, sizeof *self->starved);
    self->starved[self->starved_count++] = fd;
    self->sides[fd].starved = 1;
    watch(self, EPOLL_CTL_MOD, fd);
}

/* Receive once, and pass it on. starving: others wait for room in the ring already. */
static void receive(struct mover *self, int fd, int starving) {
    struct journal *j = &self->journal;
    struct side *side = self->sides + fd;
    uint32_t number = side->number, size = buffer_of(side);
    uint64_t at;
    unsigned char *memory = starving && !side->fed ? NULL : space(j, size, j->reserve, &at);
    side->fed = 0;
    if (!memory) {
        starve(self, fd);
        return;
    }
    struct call call = {.name = RECV, .size = size, .at = at, .began = now()};
    ssize_t length = recv(fd, memory, size, 0);
    call.ended = now();
    if (length > 0) {
        header_put_u64(j, HEAD_AT, at + (uint64_t)length);
        moved(self, number, &call, length);
        if (side->to != NOWHERE) pass_on(self, fd, memory, (uint32_t)length, at);
    } else if (length < 0 && errno == EAGAIN) {
        slot_of(j, number)->again++;
    } else {
        call.result = (int32_t)length;
        call.error = length ? (uint16_t)errno : 0;
        hand_over(self, fd, &call);
    }
}

/* Listeners */

/* JSON of an address, and the same as text: ["::1",5005] and [::1]:5005. fastpath.py refuses other families. */
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
static void enter(struct mover *self, struct listener *listener, struct call *call, const struct sockaddr_storage *from) {
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
static void set_nodelay(struct mover *self, int fd, uint32_t number) {
    struct journal *j = &self->journal;
    struct call call = {.name = SETSOCKOPT, .began = now(), .details = sizeof NODELAY - 1};
    call.result = setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    call.error = call.result ? (uint16_t)errno : 0;
    call.ended = now();
    call.at = keep(j, NODELAY, sizeof NODELAY - 1);
    append(j, number, &call);
}

/* Accept once: whether there may be more. */
static int accept_one(struct mover *self, struct listener *listener) {
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
    int to = listener->to_itself ? fd : NOWHERE;
    *place(self, fd) = (struct side){.listener = listener, .number = sockets(j), .to = to, .writer = -1};
    listener->sides++;
    watch(self, EPOLL_CTL_ADD, fd);
    return 1;
}

/* Whether the capture has room for the calls that one event brings. */
static int room_for_calls(const struct journal *j) {
    return header_u64(j, COUNT_AT) + CALLS_AT_ONCE <= j->calls_room;
}

/* Whether it has room for one more connection. */
static int room_for_one(const struct journal *j) {
    uint64_t at;
    return room_for_calls(j) && sockets(j) < j->slots_room && space(j, SAID_AT_ONCE, 0, &at);
}

/* Accept those that wait: 0 where there was no room for any, and it is Python's turn. */
static int accept_some(struct mover *self, struct listener *listener) {
    struct journal *j = &self->journal;
    if (!room_for_one(j)) return 0;
    for (int i = 0; i < ACCEPTS_AT_ONCE && room_for_one(j); i++) {
        j->kept = enough(j->kept, &j->kept_room, j->kept_count + KEPT_AT_ONCE, sizeof *j->kept);
        if (!accept_one(self, listener)) break;
    }
    return 1;
}

/* Do what a ready descriptor asks for: 0 where it is Python's turn, as it is none of ours or there is no room. */
static int ready(struct mover *self, int fd, uint32_t events, int starving) {
    struct side *side = fd < self->room ? self->sides + fd : NULL;
    if (!side || !(side->listener || side->number)) return 0;
    if (!side->number) return accept_some(self, side->listener);
    uint32_t number = side->number;
    if (events & ~(uint32_t)(EPOLLIN | EPOLLOUT) || !room_for_calls(&self->journal)) {
        hand_over(self, fd, NULL);
        return 1;
    }
    if (events & EPOLLOUT && side->writer >= 0) send_left(self, side->writer);
    side = self->sides + fd;
    if (events & EPOLLIN && side->number == number && !side->left.data && !side->starved) receive(self, fd, starving);
    return 1;
}

/* What fastpath.py asks for */

/* Accept on a listener, which the poller watches. It is freed here. */
void mover_listen(struct mover *self, struct listener *listener) {
    *place(self, listener->fd) = (struct side){.listener = listener};
}

/* Accept no more on a listener: 0 where there is none. Its connections go on. */
int mover_stop(struct mover *self, int fd) {
    struct side *side = fd < 0 || fd >= self->room ? NULL : self->sides + fd;
    if (!side || !side->listener || side->number) return 0;
    struct listener *listener = side->listener;
    *side = (struct side){0};
    listener->fd = -1;
    let_go(listener);
    return 1;
}

/* Send what `fd` receives to `to`: itself, NOWHERE, or another side, which has to be one before the next turn. */
void mover_relay(struct mover *self, int fd, uint32_t number, int to, uint32_t buffer) {
    *place(self, fd) = (struct side){.number = number, .buffer = buffer, .to = to, .writer = -1};
    watch(self, EPOLL_CTL_ADD, fd);
}

/* How many bytes each recv() on a listener's connections asks for. */
void mover_set_buffer(struct mover *self, uint32_t number, uint32_t size) {
    for (int fd = 0; fd < self->room; fd++) {
        struct listener *listener = self->sides[fd].listener;
        if (listener && listener->number == number) listener->buffer = size;
    }
}

/* Hand a side over, or all of them (0). */
void mover_take(struct mover *self, uint32_t number) {
    for (int fd = 0; fd < self->room; fd++) {
        uint32_t its = self->sides[fd].number;
        if (its && (its == number || !number)) hand_over(self, fd, NULL);
    }
}

/* There is room in the ring: those that wait for it have their turn, though others wait. */
void mover_feed(struct mover *self) {
    for (size_t i = 0; i < self->starved_count; i++) {
        int fd = self->starved[i];
        struct side *side = self->sides + fd;
        if (!side->starved) continue; /* it was handed over meanwhile */
        side->starved = 0;
        side->fed = 1;
        watch(self, EPOLL_CTL_MOD, fd);
    }
    self->starved_count = 0;
}

/* Wait, for so many ms (-1: without end), and do what the sides ask for: once where nothing is waited for, since
 * others have something to do, and else for a while. What others ask for is written to `others`, which has room for
 * EVENTS; how many there are. */
int mover_turn(struct mover *self, int wait, int starving, struct epoll_event *others) {
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

void mover_free(struct mover *self) {
    for (int fd = 0; fd < self->room; fd++) {
        struct side *side = self->sides + fd;
        free(side->left.data);
        if (!side->listener) continue;
        if (side->number)
            side->listener->sides--;
        else
            side->listener->fd = -1;
        let_go(side->listener);
    }
    for (size_t i = 0; i < self->handed_count; i++) free(self->handed[i].left.data);
    free(self->sides);
    free(self->starved);
    free(self->handed);
    free(self->journal.kept);
}
