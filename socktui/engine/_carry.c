/* The Carrier of carrying.py: _carried.h for Python. Nobody else appends to the capture while poll() runs, so it runs
 * without the interpreter's lock.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#define _GNU_SOURCE
#include <Python.h>
#include <limits.h>

#include "_carried.h"

typedef struct {
    PyObject_HEAD
    struct carrier carrier;
    PyObject *header, *calls, *slots, *ring;
} Carrier;

static int view(PyObject *object, Py_buffer *buffer) { return PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE); }

PyDoc_STRVAR(poll_doc, "poll(timeout, starving) -> ([(fd, events), ...], news)\n\n"
"epoll_wait(2), for as long as Poller.select() says, and all that carried sockets ask for meanwhile.\n\n"
"starving  others wait for room in the ring already\n"
"news      whether anything was appended, handed over or starved");

static PyObject *carrier_poll(Carrier *self, PyObject *args) {
    double timeout;
    int starving;
    if (!PyArg_ParseTuple(args, "dp", &timeout, &starving)) return NULL;
    int wait = timeout < 0 ? -1 : timeout > INT_MAX / 1e3 ? INT_MAX : (int)(timeout * 1e3 + 0.5);
    struct journal *j = &self->carrier.journal;
    Py_buffer header, calls, slots, ring;
    if (view(self->header, &header)) return NULL;
    if (view(self->calls, &calls)) goto no_calls;
    if (view(self->slots, &slots)) goto no_slots;
    if (view(self->ring, &ring)) goto no_ring;
    j->header = header.buf;
    j->ring = ring.buf;
    j->ring_size = (uint64_t)ring.len;
    j->calls = (struct record *)((unsigned char *)calls.buf + HEADER_SIZE);
    j->calls_room = (uint64_t)(calls.len - HEADER_SIZE) / sizeof(struct record);
    j->slots = slots.buf;
    j->slots_room = (uint64_t)slots.len / sizeof(struct slot);

    struct epoll_event others[EVENTS];
    uint64_t before = header_u64(j, COUNT_AT);
    size_t starved = self->carrier.starved_count;
    int count;
    Py_BEGIN_ALLOW_THREADS
    count = turn(&self->carrier, wait, starving, others);
    Py_END_ALLOW_THREADS
    int news = header_u64(j, COUNT_AT) != before || self->carrier.handed_count || self->carrier.starved_count > starved;
    PyBuffer_Release(&ring);
    PyBuffer_Release(&slots);
    PyBuffer_Release(&calls);
    PyBuffer_Release(&header);
    PyObject *list = PyList_New(count);
    for (int i = 0; list && i < count; i++) {
        PyObject *pair = Py_BuildValue("iI", others[i].data.fd, others[i].events);
        if (!pair) Py_CLEAR(list);
        else PyList_SetItem(list, i, pair);
    }
    return list ? Py_BuildValue("NN", list, PyBool_FromLong(news)) : NULL;
no_ring:
    PyBuffer_Release(&slots);
no_slots:
    PyBuffer_Release(&calls);
no_calls:
    PyBuffer_Release(&header);
    return NULL;
}

PyDoc_STRVAR(listen_doc, "listen(fd, number, buffer, echoes, before, after)\n\n"
"Accept on a listener, which the poller watches, and carry its connections.\n\n"
"buffer         bytes asked for by each recv()\n"
"echoes         what comes is sent back; else it is thrown away\n"
"before, after  the JSON of a connection's names, around the peer's");

static PyObject *carrier_listen(Carrier *self, PyObject *args) {
    int fd, echoes;
    unsigned int number, buffer;
    const char *before, *after;
    Py_ssize_t before_length, after_length;
    if (!PyArg_ParseTuple(args, "iIIpy#y#", &fd, &number, &buffer, &echoes, &before, &before_length, &after, &after_length))
        return NULL;
    if (fd < 0 || before_length + after_length > NAMES) {
        PyErr_SetString(PyExc_ValueError, fd < 0 ? "no such descriptor" : "the names are too long");
        return NULL;
    }
    struct listener *listener = malloc(sizeof *listener);
    if (!listener) return PyErr_NoMemory();
    *listener = (struct listener){
        .fd = fd,
        .number = number,
        .buffer = buffer,
        .echoes = echoes,
        .before = (size_t)before_length,
        .after = (size_t)after_length,
    };
    memcpy(listener->names, before, (size_t)before_length);
    memcpy(listener->names + before_length, after, (size_t)after_length);
    *place(&self->carrier, fd) = (struct carried){.listener = listener};
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc, "stop(fd)\n\nAccept no more on a listener. Its connections are carried on.");

static PyObject *carrier_stop(Carrier *self, PyObject *args) {
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd)) return NULL;
    struct carried *carried = fd < 0 || fd >= self->carrier.room ? NULL : self->carrier.carried + fd;
    if (!carried || !carried->listener || carried->number) {
        PyErr_SetString(PyExc_ValueError, "no such listener");
        return NULL;
    }
    struct listener *listener = carried->listener;
    *carried = (struct carried){0};
    listener->fd = -1;
    let_go(listener);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_buffer_doc, "set_buffer(number, size)\n\nHow many bytes each recv() on a listener's connections asks for.");

static PyObject *carrier_set_buffer(Carrier *self, PyObject *args) {
    unsigned int number, size;
    if (!PyArg_ParseTuple(args, "II", &number, &size)) return NULL;
    for (int fd = 0; fd < self->carrier.room; fd++) {
        struct listener *listener = self->carrier.carried[fd].listener;
        if (listener && listener->number == number) listener->buffer = size;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(take_doc, "take(number) -> bool\n\nHand a connection over, or all of them (0); whether there was any.");

static PyObject *carrier_take(Carrier *self, PyObject *args) {
    unsigned int number;
    if (!PyArg_ParseTuple(args, "I", &number)) return NULL;
    size_t before = self->carrier.handed_count;
    for (int fd = 0; fd < self->carrier.room; fd++) {
        uint32_t its = self->carrier.carried[fd].number;
        if (its && (its == number || !number)) hand_over(&self->carrier, fd, NULL);
    }
    return PyBool_FromLong(self->carrier.handed_count > before);
}

PyDoc_STRVAR(feed_doc, "feed()\n\nThere is room in the ring: those that wait for it have their turn, though others wait.");

static PyObject *carrier_feed(Carrier *self, PyObject *Py_UNUSED(none)) {
    feed(&self->carrier);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reap_doc, "reap() -> (kept, handed, starved)\n\n"
"kept     [(start, end), ...] of the heap that say what calls were\n"
"handed   [(fd, number, listener, owed, owed_at, name, began, ended, result, errno, size), ...]: what Python goes on\n"
"         with, the bytes that are still to be sent, and the call that is still to be recorded (name 0: none)\n"
"starved  whether any connection waits for room in the ring");

static PyObject *carrier_reap(Carrier *self, PyObject *Py_UNUSED(none)) {
    struct journal *j = &self->carrier.journal;
    PyObject *kept = PyList_New(0), *handed = PyList_New(0);
    for (size_t i = 0; kept && i < j->kept_count; i++) {
        PyObject *range = Py_BuildValue("KK", j->kept[i].start, j->kept[i].end);
        if (!range || PyList_Append(kept, range)) Py_CLEAR(kept);
        Py_XDECREF(range);
    }
    j->kept_count = 0;
    for (size_t i = 0; i < self->carrier.handed_count; i++) {
        struct handed *each = self->carrier.handed + i;
        struct owed *owed = &each->owed;
        const unsigned char *left = owed->data ? owed->data + owed->done : (const unsigned char *)"";
        PyObject *tuple = Py_BuildValue(
            "iIIy#KiKKiiI", each->fd, each->number, each->listener, left, (Py_ssize_t)(owed->length - owed->done),
            owed->at + owed->done, each->call.name, each->call.began, each->call.ended, each->call.result,
            each->call.error, each->call.size);
        if (handed && (!tuple || PyList_Append(handed, tuple))) Py_CLEAR(handed);
        Py_XDECREF(tuple);
        free(owed->data);
    }
    self->carrier.handed_count = 0;
    if (!kept || !handed) {
        Py_XDECREF(kept);
        Py_XDECREF(handed);
        return NULL;
    }
    return Py_BuildValue("NNN", kept, handed, PyBool_FromLong(self->carrier.starved_count > 0));
}

/* The type */

PyDoc_STRVAR(carrier_doc, "Carrier(epoll, header, calls, slots, ring, reserve)\n\n"
"epoll    descriptor of the poller's\n"
"header, calls, slots, ring   the maps of the capture; `calls` and `slots` may grow between two polls\n"
"reserve  bytes of the ring that recv() leaves free");

static int carrier_init(Carrier *self, PyObject *args, PyObject *Py_UNUSED(keywords)) {
    unsigned long long reserve;
    if (!PyArg_ParseTuple(
            args, "iOOOOK", &self->carrier.epoll, &self->header, &self->calls, &self->slots, &self->ring, &reserve))
        return -1;
    Py_INCREF(self->header);
    Py_INCREF(self->calls);
    Py_INCREF(self->slots);
    Py_INCREF(self->ring);
    self->carrier.journal.reserve = reserve;
    return 0;
}

static void carrier_dealloc(Carrier *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    for (int fd = 0; fd < self->carrier.room; fd++) {
        struct carried *carried = self->carrier.carried + fd;
        free(carried->owed.data);
        if (!carried->listener) continue;
        if (carried->number)
            carried->listener->carried--;
        else
            carried->listener->fd = -1;
        let_go(carried->listener);
    }
    for (size_t i = 0; i < self->carrier.handed_count; i++) free(self->carrier.handed[i].owed.data);
    free(self->carrier.carried);
    free(self->carrier.starved);
    free(self->carrier.handed);
    free(self->carrier.journal.kept);
    Py_XDECREF(self->header);
    Py_XDECREF(self->calls);
    Py_XDECREF(self->slots);
    Py_XDECREF(self->ring);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"poll", (PyCFunction)carrier_poll, METH_VARARGS, poll_doc},
    {"listen", (PyCFunction)carrier_listen, METH_VARARGS, listen_doc},
    {"stop", (PyCFunction)carrier_stop, METH_VARARGS, stop_doc},
    {"set_buffer", (PyCFunction)carrier_set_buffer, METH_VARARGS, set_buffer_doc},
    {"take", (PyCFunction)carrier_take, METH_VARARGS, take_doc},
    {"feed", (PyCFunction)carrier_feed, METH_NOARGS, feed_doc},
    {"reap", (PyCFunction)carrier_reap, METH_NOARGS, reap_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)carrier_doc},   {Py_tp_init, carrier_init},      {Py_tp_dealloc, carrier_dealloc},
    {Py_tp_methods, methods},           {Py_tp_new, PyType_GenericNew},  {0, NULL},
};

static PyType_Spec carrier_spec = {"socktui.engine._carry.Carrier", sizeof(Carrier), 0, Py_TPFLAGS_DEFAULT, slots};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_carry", "Plain streams, carried without Python.", -1,
                                    NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__carry(void) {
    PyObject *made = PyModule_Create(&module), *type = PyType_FromSpec(&carrier_spec);
    if (!made || !type || PyModule_AddObject(made, "Carrier", type)) {
        Py_XDECREF(made);
        Py_XDECREF(type);
        return NULL;
    }
    return made;
}
