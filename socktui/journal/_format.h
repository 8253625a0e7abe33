/* Made by `make header` from journal/format.py, where everything below is explained. Not to be changed by hand. */
#ifndef SOCKTUI_FORMAT_H
#define SOCKTUI_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* A record's function */
enum {
    SOCKET = 1,
    BIND = 2,
    LISTEN = 3,
    ACCEPT = 4,
    CONNECT = 5,
    SEND = 6,
    RECV = 7,
    SHUTDOWN = 8,
    CLOSE = 9,
    SETSOCKOPT = 10,
    GETSOCKOPT = 11,
    GETSOCKNAME = 12,
    GETPEERNAME = 13,
    SENDTO = 14,
    RECVFROM = 15,
    SSL_DO_HANDSHAKE = 16,
    SSL_READ = 17,
    SSL_WRITE = 18,
    SSL_SHUTDOWN = 19,
    WS_SEND = 20,
    WS_RECV = 21,
    TELNET_SEND = 22,
    TELNET_RECV = 23,
    NOTE = 255,
};

/* Its layer */
enum {
    LAYER_WIRE = 0,
    LAYER_TLS = 1,
    LAYER_WS = 2,
    LAYER_TELNET = 3,
};

/* Its flags */
enum {
    UNDER = 1,
    MESSAGE = 2,
};

/* A socket's role */
enum {
    ROLE_NEW = 0,
    ROLE_LISTENER = 1,
    ROLE_CLIENT = 2,
    ROLE_ACCEPTED = 3,
};

/* Its state */
enum {
    STATE_UNCONN = 0,
    STATE_LISTEN = 1,
    STATE_SYN_SENT = 2,
    STATE_ESTAB = 3,
    STATE_CLOSE_WAIT = 4,
    STATE_FIN_WAIT_2 = 5,
    STATE_LAST_ACK = 6,
    STATE_TIME_WAIT = 7,
    STATE_CLOSED = 8,
};

/* Its end */
enum {
    END_OPEN = 0,
    END_PEER_FIN = 1,
    END_PEER_RESET = 2,
    END_CLOSED = 3,
    END_RESET = 4,
    END_FAILED = 5,
};

/* Where the numbers of the header of `calls` are */
enum {
    HEADER_SIZE = 4096,
    MAGIC_AT = 0,
    VERSION_AT = 8,
    RECORD_SIZE_AT = 12,
    COUNT_AT = 16,
    HEAD_AT = 24,
    DRAINED_AT = 32,
    SOCKETS_AT = 40,
    FLAGS_AT = 44,
    LOST_CALLS_AT = 48,
    DISK_ERRNO_AT = 56,
    LOST_AT = 60,
    RING_SIZE_AT = 64,
    START_WALL_AT = 72,
    START_MONOTONIC_AT = 80,
    STALLS_AT = 88,
};

struct record {
    uint64_t time;
    uint64_t at;
    uint64_t offset;
    uint32_t prev;
    uint32_t jump;
    uint32_t nth;
    uint32_t socket;
    float duration;
    int32_t result;
    uint32_t length;
    uint32_t size;
    uint16_t details;
    uint16_t error;
    uint8_t function;
    uint8_t layer;
    uint16_t flags;
};
_Static_assert(sizeof(struct record) == 64, "a record has 64 bytes");
_Static_assert(offsetof(struct record, time) == 0, "record.time is at 0");
_Static_assert(offsetof(struct record, at) == 8, "record.at is at 8");
_Static_assert(offsetof(struct record, offset) == 16, "record.offset is at 16");
_Static_assert(offsetof(struct record, prev) == 24, "record.prev is at 24");
_Static_assert(offsetof(struct record, jump) == 28, "record.jump is at 28");
_Static_assert(offsetof(struct record, nth) == 32, "record.nth is at 32");
_Static_assert(offsetof(struct record, socket) == 36, "record.socket is at 36");
_Static_assert(offsetof(struct record, duration) == 40, "record.duration is at 40");
_Static_assert(offsetof(struct record, result) == 44, "record.result is at 44");
_Static_assert(offsetof(struct record, length) == 48, "record.length is at 48");
_Static_assert(offsetof(struct record, size) == 52, "record.size is at 52");
_Static_assert(offsetof(struct record, details) == 56, "record.details is at 56");
_Static_assert(offsetof(struct record, error) == 58, "record.error is at 58");
_Static_assert(offsetof(struct record, function) == 60, "record.function is at 60");
_Static_assert(offsetof(struct record, layer) == 61, "record.layer is at 61");
_Static_assert(offsetof(struct record, flags) == 62, "record.flags is at 62");

struct slot {
    uint32_t last;
    uint32_t calls;
    uint32_t again;
    uint32_t zero;
    uint64_t active;
    uint64_t received;
    uint64_t sent;
    uint32_t first;
    uint32_t parent;
    int32_t fd;
    uint16_t error;
    uint16_t names;
    uint8_t role;
    uint8_t state;
    uint8_t end;
    uint8_t zero2;
    uint32_t backlog;
    uint64_t born;
    uint64_t ended;
    uint64_t names_at;
    uint32_t pid;
    uint32_t pair;
    uint64_t pending_since;
    uint32_t pending_calls;
    uint8_t pending;
    unsigned char spare[19];
};
_Static_assert(sizeof(struct slot) == 128, "a slot has 128 bytes");
_Static_assert(offsetof(struct slot, last) == 0, "slot.last is at 0");
_Static_assert(offsetof(struct slot, calls) == 4, "slot.calls is at 4");
_Static_assert(offsetof(struct slot, again) == 8, "slot.again is at 8");
_Static_assert(offsetof(struct slot, zero) == 12, "slot.zero is at 12");
_Static_assert(offsetof(struct slot, active) == 16, "slot.active is at 16");
_Static_assert(offsetof(struct slot, received) == 24, "slot.received is at 24");
_Static_assert(offsetof(struct slot, sent) == 32, "slot.sent is at 32");
_Static_assert(offsetof(struct slot, first) == 40, "slot.first is at 40");
_Static_assert(offsetof(struct slot, parent) == 44, "slot.parent is at 44");
_Static_assert(offsetof(struct slot, fd) == 48, "slot.fd is at 48");
_Static_assert(offsetof(struct slot, error) == 52, "slot.error is at 52");
_Static_assert(offsetof(struct slot, names) == 54, "slot.names is at 54");
_Static_assert(offsetof(struct slot, role) == 56, "slot.role is at 56");
_Static_assert(offsetof(struct slot, state) == 57, "slot.state is at 57");
_Static_assert(offsetof(struct slot, end) == 58, "slot.end is at 58");
_Static_assert(offsetof(struct slot, zero2) == 59, "slot.zero2 is at 59");
_Static_assert(offsetof(struct slot, backlog) == 60, "slot.backlog is at 60");
_Static_assert(offsetof(struct slot, born) == 64, "slot.born is at 64");
_Static_assert(offsetof(struct slot, ended) == 72, "slot.ended is at 72");
_Static_assert(offsetof(struct slot, names_at) == 80, "slot.names_at is at 80");
_Static_assert(offsetof(struct slot, pid) == 88, "slot.pid is at 88");
_Static_assert(offsetof(struct slot, pair) == 92, "slot.pair is at 92");
_Static_assert(offsetof(struct slot, pending_since) == 96, "slot.pending_since is at 96");
_Static_assert(offsetof(struct slot, pending_calls) == 104, "slot.pending_calls is at 104");
_Static_assert(offsetof(struct slot, pending) == 108, "slot.pending is at 108");

#endif
