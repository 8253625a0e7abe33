/* Appending calls to a capture that journal/writer.py has open: the same bytes in the same order, from C.
 *
 * The format is defined in journal/format.py, and _format.h is made from it. One thread appends. Readers look at any moment, so a number is
 * written by one store, and what it counts before it.
 */
#ifndef SOCKTUI_APPEND_H
#define SOCKTUI_APPEND_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "_format.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the numbers of a capture are little-endian"
#endif

/* A range of the heap that says what a call was: it is kept even where the bytes of others are not. */
struct range {
    uint64_t start, end;
};

struct journal {
    unsigned char *header, *ring;
    struct record *calls;
    struct slot *slots;
    uint64_t calls_room, slots_room, ring_size; /* in records, slots and bytes */
    uint64_t reserve;                           /* bytes of the ring that are left for keep() */
    struct range *kept;
    size_t kept_count, kept_room;
};

struct call {
    uint8_t name;
    uint64_t began, ended;
    int32_t result;
    uint16_t error;
    uint32_t size;
    uint64_t at;
    uint32_t length;
    uint16_t details;
    uint64_t offset;
};

static inline uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t header_u64(const struct journal *j, int at) {
    return __atomic_load_n((uint64_t *)(j->header + at), __ATOMIC_ACQUIRE);
}

static inline void header_put_u64(struct journal *j, int at, uint64_t value) {
    __atomic_store_n((uint64_t *)(j->header + at), value, __ATOMIC_RELEASE);
}

static inline uint32_t sockets(const struct journal *j) {
    return __atomic_load_n((uint32_t *)(j->header + SOCKETS_AT), __ATOMIC_ACQUIRE);
}

static inline void header_put_sockets(struct journal *j, uint32_t value) {
    __atomic_store_n((uint32_t *)(j->header + SOCKETS_AT), value, __ATOMIC_RELEASE);
}

static inline struct slot *slot_of(struct journal *j, uint32_t number) { return j->slots + number - 1; }

/* Where the next `size` bytes of the heap go, or NULL while the disk is behind. Heap.space() */
static inline unsigned char *space(const struct journal *j, uint64_t size, uint64_t reserve, uint64_t *at) {
    *at = header_u64(j, HEAD_AT);
    uint64_t position = *at % j->ring_size;
    if (position + size > j->ring_size) {
        *at += j->ring_size - position;
        position = 0;
    }
    if (*at + size + reserve - header_u64(j, DRAINED_AT) > j->ring_size) return NULL;
    return j->ring + position;
}

/* Append a few bytes that say what a call was. The caller has seen to it that there is room. Heap.keep() */
static inline uint64_t keep(struct journal *j, const void *data, size_t size) {
    uint64_t at;
    unsigned char *memory = space(j, size, 0, &at);
    memcpy(memory, data, size);
    header_put_u64(j, HEAD_AT, at + size);
    if (j->kept_count && j->kept[j->kept_count - 1].end == at)
        j->kept[j->kept_count - 1].end = at + size;
    else
        j->kept[j->kept_count++] = (struct range){at, at + size};
    return at;
}

/* The earlier call that a socket's call number `nth` points at, so that a search can jump. Entry.link()
 *
 * The calls before it are the roots of perfect trees, whose sizes are the digits of nth as a skew-binary number.
 * Of two trees of one size, and the new call, one is made: then it points at the tree behind them. */
static inline uint32_t jump_of(const struct journal *j, uint32_t last, uint32_t nth) {
    uint32_t newest = 0, second = 0, left = nth;
    int trees = 0;
    while (left) {
        uint32_t size = (1u << (31 - __builtin_clz(left + 1))) - 1; /* the largest 2^k - 1 that is in it */
        second = newest;
        newest = size;
        left -= size;
        trees++;
    }
    if (trees < 3 || newest != second) return last;
    return j->calls[j->calls[last].jump].jump;
}

/* Write the record of a call of a socket, and what it did to the socket's slot: CaptureFiles._record(). A pending call
 * is answered thereby: a slot shows it only as long as `calls` is what it was. */
static inline void append(struct journal *j, uint32_t number, const struct call *call) {
    struct slot *slot = slot_of(j, number);
    uint32_t seq = (uint32_t)header_u64(j, COUNT_AT), nth = slot->calls;
    j->calls[seq] = (struct record){
        .time = call->began,
        .at = call->at,
        .offset = call->offset,
        .prev = nth ? slot->last : seq,
        .jump = nth ? jump_of(j, slot->last, nth) : seq,
        .nth = nth,
        .socket = number,
        .duration = (float)((double)(call->ended - call->began) * 0.001),
        .result = call->result,
        .length = call->length,
        .size = call->size,
        .details = call->details,
        .error = call->error,
        .function = call->name,
    };
    header_put_u64(j, COUNT_AT, seq + 1);
    slot->active = call->began;
    slot->last = seq;
    slot->calls = nth + 1;
}

#endif
