/* The Mover of fastpath.py: _relay.h for Python. Nobody else appends to the capture while poll() runs, so it runs
 * without the interpreter's lock.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#define _GNU_SOURCE
#include <Python.h>
#include <limits.h>

#include "_relay.h"

typedef struct {
    PyObject_HEAD
    struct mover mover;
    PyObject *header, *calls, *slots, *ring;
} Mover;

static int view(PyObject *object, Py_buffer *buffer) { return PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE); }

PyDoc_STRVAR(poll_doc, "poll(timeout, starving) -> ([(fd, events), ...], news)\n\n"
"epoll_wait(2), for as long as Poller.select() says, and all that our sockets ask for meanwhile.\n\n"
"starving  others wait for room in the ring already\n"
"news      whether anything was appended, handed over or starved");

static PyObject *py_poll(Mover *self, PyObject *args) {
    double timeout;
    int starving;
    if (!PyArg_ParseTuple(args, "dp", &timeout, &starving)) return NULL;
    int wait = timeout < 0 ? -1 : timeout > INT_MAX / 1e3 ? INT_MAX : (int)(timeout * 1e3 + 0.5);
    struct journal *j = &self->mover.journal;
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
    size_t starved = self->mover.starved_count;
    int count;
    Py_BEGIN_ALLOW_THREADS
    count = mover_turn(&self->mover, wait, starving, others);
    Py_END_ALLOW_THREADS
    int news = header_u64(j, COUNT_AT) != before || self->mover.handed_count || self->mover.starved_count > starved;
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

PyDoc_STRVAR(listen_doc, "listen(fd, number, buffer, to_itself, before, after)\n\n"
"Accept on a listener, which the poller watches, and move its connections' bytes.\n\n"
"buffer         bytes asked for by each recv()\n"
"to_itself      what is received is sent back; else it is thrown away\n"
"before, after  the JSON of a connection's names, around the peer's");

static PyObject *py_listen(Mover *self, PyObject *args) {
    int fd, to_itself;
    unsigned int number, buffer;
    const char *before, *after;
    Py_ssize_t before_length, after_length;
    if (!PyArg_ParseTuple(
            args, "iIIpy#y#", &fd, &number, &buffer, &to_itself, &before, &before_length, &after, &after_length))
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
        .to_itself = to_itself,
        .before = (size_t)before_length,
        .after = (size_t)after_length,
    };
    memcpy(listener->names, before, (size_t)before_length);
    memcpy(listener->names + before_length, after, (size_t)after_length);
    mover_listen(&self->mover, listener);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(stop_doc, "stop(fd)\n\nAccept no more on a listener. Its connections go on.");

static PyObject *py_stop(Mover *self, PyObject *args) {
    int fd;
    if (!PyArg_ParseTuple(args, "i", &fd)) return NULL;
    if (!mover_stop(&self->mover, fd)) {
        PyErr_SetString(PyExc_ValueError, "no such listener");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(relay_doc, "relay(fd, number, to, buffer)\n\n"
"Send what a socket receives to the descriptor `to`: its own, -1 (nowhere), or another one, whose bytes are sent to\n"
"this one by a second call before the next poll().");

static PyObject *py_relay(Mover *self, PyObject *args) {
    int fd, to;
    unsigned int number, buffer;
    if (!PyArg_ParseTuple(args, "iIiI", &fd, &number, &to, &buffer)) return NULL;
    if (fd < 0 || to < NOWHERE || !number) {
        PyErr_SetString(PyExc_ValueError, "no such socket");
        return NULL;
    }
    mover_relay(&self->mover, fd, number, to, buffer);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_buffer_doc, "set_buffer(number, size)\n\nHow many bytes each recv() on a listener's connections asks for.");

static PyObject *py_set_buffer(Mover *self, PyObject *args) {
    unsigned int number, size;
    if (!PyArg_ParseTuple(args, "II", &number, &size)) return NULL;
    mover_set_buffer(&self->mover, number, size);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(take_doc, "take(number) -> bool\n\nHand a socket over, or all of them (0); whether there was any.");

static PyObject *py_take(Mover *self, PyObject *args) {
    unsigned int number;
    if (!PyArg_ParseTuple(args, "I", &number)) return NULL;
    size_t before = self->mover.handed_count;
    mover_take(&self->mover, number);
    return PyBool_FromLong(self->mover.handed_count > before);
}

PyDoc_STRVAR(feed_doc, "feed()\n\nThere is room in the ring: those that wait for it have their turn, though others wait.");

static PyObject *py_feed(Mover *self, PyObject *Py_UNUSED(none)) {
    mover_feed(&self->mover);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(reap_doc, "reap() -> (kept, handed, starved)\n\n"
"kept     [(start, end), ...] of the heap that say what calls were\n"
"handed   [(fd, number, listener, left, left_at, name, began, ended, result, errno, size), ...]: what Python goes on\n"
"         with, the bytes that are still to be sent, and the call that is still to be recorded (name 0: none)\n"
"starved  whether any socket waits for room in the ring");

static PyObject *py_reap(Mover *self, PyObject *Py_UNUSED(none)) {
    struct journal *j = &self->mover.journal;
    PyObject *kept = PyList_New(0), *handed = PyList_New(0);
    for (size_t i = 0; kept && i < j->kept_count; i++) {
        PyObject *range = Py_BuildValue("KK", j->kept[i].start, j->kept[i].end);
        if (!range || PyList_Append(kept, range)) Py_CLEAR(kept);
        Py_XDECREF(range);
    }
    j->kept_count = 0;
    for (size_t i = 0; i < self->mover.handed_count; i++) {
        struct handed *each = self->mover.handed + i;
        struct left *left = &each->left;
        const unsigned char *data = left->data ? left->data + left->done : (const unsigned char *)"";
        PyObject *tuple = Py_BuildValue(
            "iIIy#KiKKiiI", each->fd, each->number, each->listener, data, (Py_ssize_t)(left->length - left->done),
            left->at + left->done, each->call.name, each->call.began, each->call.ended, each->call.result,
            each->call.error, each->call.size);
        if (handed && (!tuple || PyList_Append(handed, tuple))) Py_CLEAR(handed);
        Py_XDECREF(tuple);
        free(left->data);
    }
    self->mover.handed_count = 0;
    if (!kept || !handed) {
        Py_XDECREF(kept);
        Py_XDECREF(handed);
        return NULL;
    }
    return Py_BuildValue("NNN", kept, handed, PyBool_FromLong(self->mover.starved_count > 0));
}

/* The type */

PyDoc_STRVAR(mover_doc, "Mover(epoll, header, calls, slots, ring, reserve)\n\n"
"epoll    descriptor of the poller's\n"
"header, calls, slots, ring   the maps of the capture; `calls` and `slots` may grow between two polls\n"
"reserve  bytes of the ring that recv() leaves free");

static int py_init(Mover *self, PyObject *args, PyObject *Py_UNUSED(keywords)) {
    unsigned long long reserve;
    if (!PyArg_ParseTuple(
            args, "iOOOOK", &self->mover.epoll, &self->header, &self->calls, &self->slots, &self->ring, &reserve))
        return -1;
    Py_INCREF(self->header);
    Py_INCREF(self->calls);
    Py_INCREF(self->slots);
    Py_INCREF(self->ring);
    self->mover.journal.reserve = reserve;
    return 0;
}

static void py_dealloc(Mover *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    mover_free(&self->mover);
    Py_XDECREF(self->header);
    Py_XDECREF(self->calls);
    Py_XDECREF(self->slots);
    Py_XDECREF(self->ring);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"poll", (PyCFunction)py_poll, METH_VARARGS, poll_doc},
    {"listen", (PyCFunction)py_listen, METH_VARARGS, listen_doc},
    {"relay", (PyCFunction)py_relay, METH_VARARGS, relay_doc},
    {"stop", (PyCFunction)py_stop, METH_VARARGS, stop_doc},
    {"set_buffer", (PyCFunction)py_set_buffer, METH_VARARGS, set_buffer_doc},
    {"take", (PyCFunction)py_take, METH_VARARGS, take_doc},
    {"feed", (PyCFunction)py_feed, METH_NOARGS, feed_doc},
    {"reap", (PyCFunction)py_reap, METH_NOARGS, reap_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)mover_doc},   {Py_tp_init, py_init},      {Py_tp_dealloc, py_dealloc},
    {Py_tp_methods, methods},           {Py_tp_new, PyType_GenericNew},  {0, NULL},
};

static PyType_Spec py_spec = {"socktui.engine._fastpath.Mover", sizeof(Mover), 0, Py_TPFLAGS_DEFAULT, slots};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_fastpath", "Bytes moved between sockets, without Python.", -1,
                                    NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__fastpath(void) {
    PyObject *made = PyModule_Create(&module), *type = PyType_FromSpec(&py_spec);
    if (!made || !type || PyModule_AddObject(made, "Mover", type)) {
        Py_XDECREF(made);
        Py_XDECREF(type);
        return NULL;
    }
    return made;
}
