/* Moving bytes between sockets: accept, recv and send, each recorded as it is made, without Python.
 *
 * A side is a socket that is received from. What it receives is sent to a socket: to itself, to another side, or to
 * nowhere. A listener's connections become sides as they are accepted. That is all that happens here: whatever else
 * comes to pass (a FIN, an error, no room for a record) is handed over to fastpath.py, and the side is gone here.
 *
 * The states are those of relay.py: a side READS; it WRITES while `left` has bytes that the kernel did not take; it
 * WAITS_FOR_DISK while it is `starved`.
 */
#ifndef SOCKTUI_RELAY_H
#define SOCKTUI_RELAY_H

#include <stdint.h>
#include <sys/epoll.h>

#include "../journal/_append.h"

enum { EVENTS = 256 };
enum { NAMES = 1024 }; /* bytes of JSON: a connection's names but its peer's */
enum { NOWHERE = -1 };

/* A listener whose connections become sides. names: the JSON of a connection's, `before` bytes of it before the
 * peer's, and `after` behind. It lives until it is stopped and none of its connections is a side any more. */
struct listener {
    int fd; /* -1: stopped */
    uint32_t number, buffer, sides;
    int to_itself;
    size_t before, after;
    char names[NAMES];
};

/* Bytes that were received, stand at `at` of the heap, and are to be sent; `done` of them have been. */
struct left {
    unsigned char *data; /* NULL: there are none */
    uint32_t length, done;
    uint64_t at;
};

/* What is known of a descriptor: a side, or (number 0) a listener, or nothing.
 * listener: that accepted it, or NULL. to: where its bytes go. writer: the descriptor of the side that has bytes left
 * for it, or -1. starved: it waits for room in the ring. fed: it is its turn, though others wait. */
struct side {
    struct listener *listener;
    uint32_t number, buffer;
    int to, writer;
    uint8_t starved, fed;
    struct left left;
};

/* What Python has to go on with: a side, or a listener whose accept() failed. call: one that was made and is not yet
 * recorded, as it failed or told of the end; its name is 0 where there is none. */
struct handed {
    int fd;
    uint32_t number, listener;
    struct left left;
    struct call call;
};

struct mover {
    int epoll;
    struct journal journal;
    struct side *sides; /* by descriptor */
    int room;           /* descriptors below this have a place there */
    int *starved;       /* descriptors, in the order in which they have begun to wait */
    size_t starved_count, starved_room;
    struct handed *handed;
    size_t handed_count, handed_room;
};

void mover_listen(struct mover *self, struct listener *listener);
int mover_stop(struct mover *self, int fd);
void mover_relay(struct mover *self, int fd, uint32_t number, int to, uint32_t buffer);
void mover_set_buffer(struct mover *self, uint32_t listener, uint32_t size);
void mover_take(struct mover *self, uint32_t number);
void mover_feed(struct mover *self);
int mover_turn(struct mover *self, int wait, int starving, struct epoll_event *others);
void mover_free(struct mover *self);

#endif
