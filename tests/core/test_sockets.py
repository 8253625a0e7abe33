"""What calls add up to."""

import errno as errnos
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.call import Call, Function, Layer
from socktui.core.sockets import End, Role, Socket, State

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=6)
words = st.sampled_from(["SOL_SOCKET", "SO_ERROR", "SO_LINGER", "SHUT_WR", "SHUT_RD", "SOCK_STREAM", [1, 0]])
calls: st.SearchStrategy[Call] = st.builds(
    Call,
    seq=st.integers(0, 99),
    time=st.integers(0, 99),
    duration=st.integers(0, 99),
    socket=st.integers(0, 5),
    name=st.sampled_from(Function) | st.integers(0, 255).map(Function),
    result=st.integers(-1, 99),
    errno=st.sampled_from([0, 0, 0, 11, 104, 110, 111, 115, 32, 9999]),
    size=st.integers(0, 99),
    args=st.lists(anything | words, max_size=4).map(tuple),
    answer=anything,
    made=st.integers(0, 5),
    offset=st.integers(0, 99),
    at=st.integers(0, 99),
    length=st.integers(0, 99),
    layer=st.integers(0, 255).map(Layer),
)


@given(st.lists(calls, max_size=30))
def test_no_call_is_too_strange(some: list[Call]) -> None:
    socket = Socket(1)
    for call in some:
        socket.apply(call)
    assert socket.calls == len(some)
    assert isinstance(socket.why, str)
    other = Socket(2)
    for call in some:
        other.accepted(call, socket)
    assert other.role is Role.ACCEPTED or not some


def fold(*made: tuple[Any, ...], socket: Socket | None = None) -> Socket:
    """The socket after calls of (name, result or -errno, args, answer)."""
    socket = socket or Socket(1)
    for seq, (name, result, *rest) in enumerate(made):
        args = rest[0] if rest else ()
        answer = rest[1] if len(rest) > 1 else None
        size = 20 if name in (Function.RECV, Function.SEND) else 0
        length = result if size and result > 0 else 0
        errno = -result if result < 0 else 0
        socket.apply(
            Call(seq, 100 + seq, 1, 1, name, -1 if errno else result, errno, size, args, answer, length=length)
        )
    return socket


ADDRESS = ["127.0.0.1", 5005]
CREATED = (Function.SOCKET, 7, ("AF_INET", "SOCK_STREAM|SOCK_NONBLOCK", 0))
CONNECTING = (Function.CONNECT, -errnos.EINPROGRESS, (ADDRESS,))
ASKED = ("SOL_SOCKET", "SO_ERROR")
SETTLED = (Function.GETSOCKOPT, 0, ASKED, 0)
SHUT = (Function.SHUTDOWN, 0, ("SHUT_WR",))
FIN = (Function.RECV, 0)
CLOSED = (Function.CLOSE, 0)
LINGER = (Function.SETSOCKOPT, 0, ("SOL_SOCKET", "SO_LINGER", [1, 0]))
CLIENT = (CREATED, CONNECTING, SETTLED)


@pytest.mark.parametrize(
    ("made", "state", "why", "is_open"),
    [
        ((CREATED,), "UNCONN", "", True),
        ((CREATED, (Function.BIND, -errnos.EADDRINUSE, (ADDRESS,))), "UNCONN", "EADDRINUSE", True),
        ((CREATED, (Function.BIND, 0, (ADDRESS,)), (Function.LISTEN, 0, (128,))), "LISTEN", "", True),
        ((CREATED, CONNECTING), "SYN-SENT", "", True),
        (CLIENT, "ESTAB", "", True),
        ((CREATED, (Function.CONNECT, 0, (ADDRESS,))), "ESTAB", "", True),
        ((CREATED, CONNECTING, (Function.GETSOCKOPT, 0, ASKED, 111), CLOSED), "CLOSED", "ECONNREFUSED", False),
        ((CREATED, (Function.CONNECT, -111, (ADDRESS,))), "UNCONN", "ECONNREFUSED", True),
        ((CREATED, CONNECTING, (Function.GETSOCKOPT, 0, ASKED, 110)), "SYN-SENT", "ETIMEDOUT", True),
        ((CREATED, CONNECTING, (Function.GETSOCKOPT, 0, ASKED, 104)), "SYN-SENT", "peer RST (ECONNRESET)", True),
        ((*CLIENT, FIN), "CLOSE-WAIT", "peer FIN", True),
        ((*CLIENT, FIN, FIN), "CLOSE-WAIT", "peer FIN", True),
        ((*CLIENT, FIN, SHUT), "LAST-ACK", "peer FIN", True),
        ((*CLIENT, FIN, CLOSED), "CLOSED", "peer FIN", False),
        ((*CLIENT, SHUT), "FIN-WAIT-2", "", True),
        ((*CLIENT, SHUT, (Function.SEND, -errnos.EPIPE)), "FIN-WAIT-2", "", True),
        ((*CLIENT, SHUT, FIN), "TIME-WAIT", "peer FIN", True),
        ((*CLIENT, SHUT, CLOSED), "CLOSED", "closed here", False),
        ((*CLIENT, (Function.SHUTDOWN, 0, ("SHUT_RD",))), "ESTAB", "", True),
        ((*CLIENT, CLOSED), "CLOSED", "closed here", False),
        ((*CLIENT, LINGER, CLOSED), "CLOSED", "RST sent", False),
        ((*CLIENT, FIN, LINGER, CLOSED), "CLOSED", "RST sent", False),
        ((*CLIENT, (Function.RECV, -104)), "ESTAB", "peer RST (ECONNRESET)", True),
        ((*CLIENT, (Function.RECV, -104), CLOSED), "CLOSED", "peer RST (ECONNRESET)", False),
        ((*CLIENT, (Function.SEND, -errnos.EPIPE), CLOSED), "CLOSED", "EPIPE", False),
        ((*CLIENT, (Function.RECV, -errnos.EAGAIN)), "ESTAB", "", True),
        ((*CLIENT, (Function.RECV, -errnos.ETIMEDOUT)), "ESTAB", "ETIMEDOUT", True),
    ],
)
def test_states(made: tuple[tuple[Any, ...], ...], state: str, why: str, is_open: bool) -> None:
    socket = fold(*made)
    assert (str(socket.state), socket.why, socket.open) == (state, why, is_open)
    assert socket.calls == len(made)


def applied(socket: Socket, *made: Call) -> Socket:
    for call in made:
        socket.apply(call)
    return socket


@pytest.mark.parametrize(
    "call",
    [
        Call(7, 500, 1, 1, Function(24), 9, args=("AF_INET6", "SOCK_DGRAM", 0), length=13),
        Call(7, 500, 1, 1, Function(24), -1, errnos.ECONNRESET, answer="it failed", layer=Layer.TLS),
        Call(7, 500, 1, 1, Function.RECV, 13, size=20, length=13, layer=Layer(9)),
        Call(7, 500, 1, 1, Function.RECV, 0, size=20, layer=Layer(9)),
        Call(7, 500, 1, 1, Function.CLOSE, 0, layer=Layer(9)),
    ],
)
def test_what_is_not_known_is_counted_and_does_nothing(call: Call) -> None:
    before, after = fold(*CLIENT), applied(fold(*CLIENT), call)
    assert (after.calls, after.last, after.active) == (before.calls + 1, 7, 500)
    after.calls, after.last, after.active = before.calls, before.last, before.active
    assert after == before


def test_a_note_is_no_call() -> None:
    before = fold(*CLIENT)
    before.pending, before.pending_since = Function.RECV, 50
    after = applied(fold(*CLIENT), Call(7, 500, 0, 1, Function.NOTE, 0))
    after.pending, after.pending_since = Function.RECV, 50
    assert (after.calls, after.last, after.active) == (before.calls + 1, 7, before.active)
    after.calls, after.last = before.calls, before.last
    assert after == before


def test_a_pending_call_is_answered_by_the_next() -> None:
    socket = Socket(1, pending=Function.RECV, pending_since=50)
    applied(socket, Call(7, 500, 0, 1, Function.NOTE, 0))
    assert socket.pending_since == 50
    applied(socket, Call(8, 500, 0, 1, Function.RECV, 5, size=20, length=5))
    assert (socket.pending, socket.pending_since) == (None, 0)


def test_bytes_are_counted_by_direction_and_layer() -> None:
    socket = Socket(1)
    moved = [
        (Function.RECV, 3),
        (Function.RECVFROM, 4),
        (Function.SEND, 5),
        (Function.SENDTO, 6),
        (Function.WS_RECV, 7),
    ]
    assert [socket.transferred(name, length) for name, length in moved * 2] == [0, 3, 0, 5, 0, 7, 10, 11, 16, 7]
    assert (socket.received, socket.sent, socket.above) == (14, 22, {Function.WS_RECV: 14})
    for name in (Function.CLOSE, Function.NOTE, Function(24)):
        assert socket.transferred(name, 9) == 0
    assert (socket.received, socket.sent, socket.above) == (14, 22, {Function.WS_RECV: 14})


@pytest.mark.parametrize(("its", "owner"), [((0, ""), (5, "server")), ((6, "worker"), (6, "worker"))])
def test_an_accepted_one_is_its_listener_s_process_s_unless_another_is_known(
    its: tuple[int, str], owner: tuple[int, str]
) -> None:
    listener = Socket(1, pid=5, command="server")
    accepted, peer = Socket(2, pid=its[0], command=its[1]), Socket(3, pid=its[0], command=its[1])
    accepted.accepted(Call(9, 500, 1, 1, Function.ACCEPT, 8, made=2), listener)
    peer.peered(listener, "127.0.0.1:4000", 3, 500, asked=False)
    assert (accepted.pid, accepted.command) == (peer.pid, peer.command) == owner


def test_an_end_that_has_no_name_here_is_told_by_its_number() -> None:
    assert Socket(1, end=End(9)).why == "end 9"


def test_a_client() -> None:
    socket = fold(
        *CLIENT,
        (Function.GETSOCKNAME, 0, (), ["127.0.0.1", 50928]),
        (Function.SEND, 13),
        (Function.RECV, 5),
        (Function.RECV, 8),
    )
    assert (socket.role, socket.netid, socket.fd) == (Role.CLIENT, "tcp", 7)
    assert (socket.local, socket.peer) == ("127.0.0.1:50928", "127.0.0.1:5005")
    assert (socket.sent, socket.received) == (13, 13)
    assert (socket.first, socket.last, socket.born, socket.active) == (0, 6, 100, 106)


def test_what_is_left_unread_on_this_machine_is_no_reset() -> None:
    socket = fold((Function.SOCKET, 7, ("AF_UNIX", "SOCK_STREAM", 0)), (Function.RECV, -errnos.ECONNRESET), CLOSED)
    assert (socket.end, socket.why) == (End.PEER_RESET, "peer left bytes unread (ECONNRESET)")


def test_an_accepted_one() -> None:
    listener = fold(CREATED, (Function.BIND, 0, (["::1", 0],)), (Function.LISTEN, 0, (5,)))
    fold((Function.GETSOCKNAME, 0, (), ["::1", 5005]), socket=listener)
    listener.service = "echo"
    call = Call(9, 500, 1, 1, Function.ACCEPT, 8, answer=["::1", 50000], made=2)
    socket = Socket(2)
    socket.accepted(call, listener)
    assert (socket.parent, socket.fd, socket.service, socket.netid) == (1, 8, "echo", "tcp")
    assert (socket.local, socket.peer) == ("[::1]:5005", "[::1]:50000")
    assert (socket.role, socket.state, socket.end) == (Role.ACCEPTED, State.ESTAB, End.OPEN)
    assert (socket.first, socket.born) == (9, 500)
    assert listener.backlog == 5


def test_the_numbers_are_part_of_the_format() -> None:
    assert [int(role) for role in (Role.NEW, Role.LISTENER, Role.CLIENT, Role.ACCEPTED)] == [0, 1, 2, 3]
    assert [str(state) for state in sorted(State)] == [
        "UNCONN",
        "LISTEN",
        "SYN-SENT",
        "ESTAB",
        "CLOSE-WAIT",
        "FIN-WAIT-2",
        "LAST-ACK",
        "TIME-WAIT",
        "CLOSED",
    ]
    assert [int(end) for end in End] == list(range(6))
