"""Lines of C."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.call import Argument, Call, Function, Layer, layer_of
from socktui.core.safe import safe
from socktui.core.source import c_line, duration_text, meaning, message_kind, remark

LOCAL: list[str | int] = ["127.0.0.1", 5005]
PEER: list[str | int] = ["127.0.0.1", 50928]


def call(name: Function, result: int = 0, errno: int = 0, **more: object) -> Call:
    return Call(0, 0, 0, 1, name, result, errno, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "fd", "line"),
    [
        (
            call(Function.SOCKET, 5, args=("AF_INET", "SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC", 0)),
            5,
            "socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0) = 5",
        ),
        (
            call(Function.SOCKET, -1, 24, args=("AF_INET", "SOCK_STREAM", 0)),
            -1,
            "socket(AF_INET, SOCK_STREAM, 0) = -1 EMFILE",
        ),
        (
            call(Function.SETSOCKOPT, args=("SOL_SOCKET", "SO_REUSEADDR", 1)),
            5,
            "setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 1) = 0",
        ),
        (
            call(Function.SETSOCKOPT, args=("SOL_SOCKET", "SO_LINGER", [1, 0])),
            5,
            "setsockopt(5, SOL_SOCKET, SO_LINGER, {1, 0}) = 0",
        ),
        (call(Function.BIND, args=(LOCAL,)), 5, "bind(5, 127.0.0.1:5005) = 0"),
        (call(Function.BIND, -1, 98, args=(["::1", 80],)), 5, "bind(5, [::1]:80) = -1 EADDRINUSE"),
        (call(Function.LISTEN, args=(1024,)), 5, "listen(5, 1024) = 0"),
        (call(Function.GETSOCKNAME, answer=LOCAL), 5, "getsockname(5) = 127.0.0.1:5005"),
        (call(Function.GETPEERNAME, -1, 107), 5, "getpeername(5) = -1 ENOTCONN"),
        (call(Function.ACCEPT, 7, answer=PEER, made=2), 5, "accept(5) = 7 from 127.0.0.1:50928"),
        (call(Function.ACCEPT, -1, 24), 5, "accept(5) = -1 EMFILE"),
        (call(Function.CONNECT, -1, 111, args=(LOCAL,)), 8, "connect(8, 127.0.0.1:5005) = -1 ECONNREFUSED"),
        (call(Function.CONNECT, -1, 9999, args=(LOCAL,)), 8, "connect(8, 127.0.0.1:5005) = -1 errno 9999"),
        (
            call(Function.GETSOCKOPT, args=("SOL_SOCKET", "SO_ERROR"), answer=0),
            8,
            "getsockopt(8, SOL_SOCKET, SO_ERROR) = 0 → 0",
        ),
        (
            call(Function.GETSOCKOPT, args=("SOL_SOCKET", "SO_ERROR"), answer=111),
            8,
            "getsockopt(8, SOL_SOCKET, SO_ERROR) = 0 → ECONNREFUSED",
        ),
        (
            call(Function.GETSOCKOPT, args=("SOL_SOCKET", "SO_RCVBUF"), answer=111),
            8,
            "getsockopt(8, SOL_SOCKET, SO_RCVBUF) = 0 → 111",
        ),
        (call(Function.RECV, 13, size=20, length=13), 7, "recv(7, 20) = 13"),
        (call(Function.RECV, -1, 104, size=20), 7, "recv(7, 20) = -1 ECONNRESET"),
        (call(Function.SEND, 13, size=13, length=13), 7, "send(7, 13 bytes) = 13"),
        (call(Function.SEND, 1, size=1, length=1), 7, "send(7, 1 byte) = 1"),
        (call(Function.SHUTDOWN, args=("SHUT_WR",)), 7, "shutdown(7, SHUT_WR) = 0"),
        (call(Function.CLOSE), 7, "close(7) = 0"),
        (call(Function.SENDTO, 13, size=13, length=13, args=(LOCAL,)), 7, "sendto(7, 13 bytes, 127.0.0.1:5005) = 13"),
        (call(Function.SENDTO, 0, args=("@peer",)), 7, "sendto(7, 0 bytes, @peer) = 0"),
        (
            call(Function.SENDTO, -1, 90, size=70_000, args=(LOCAL,)),
            7,
            "sendto(7, 70000 bytes, 127.0.0.1:5005) = -1 EMSGSIZE",
        ),
        (
            call(Function.RECVFROM, 13, size=65536, length=13, args=("MSG_TRUNC",), answer=PEER),
            7,
            "recvfrom(7, 65536, MSG_TRUNC) = 13 from 127.0.0.1:50928",
        ),
        (call(Function.RECVFROM, 5, size=65536, length=5, answer=""), 7, "recvfrom(7, 65536) = 5 from (unnamed)"),
        (call(Function.CONNECT, args=("/run/x.sock",)), 7, "connect(7, /run/x.sock) = 0"),
        (call(Function.ACCEPT, 8, answer="", made=3), 7, "accept(7) = 8 from (unnamed)"),
        (
            call(Function.GETSOCKOPT, args=("SOL_SOCKET", "SO_PEERCRED"), answer=[1234, 0, 100]),
            7,
            "getsockopt(7, SOL_SOCKET, SO_PEERCRED) = 0 → {pid=1234, uid=0, gid=100}",
        ),
        (
            call(Function.SSL_DO_HANDSHAKE, 1, answer=["TLSv1.3", "TLS_AES_256_GCM_SHA384", ""]),
            7,
            "SSL_do_handshake(7) = 1 → TLSv1.3, TLS_AES_256_GCM_SHA384",
        ),
        (
            call(Function.SSL_DO_HANDSHAKE, -1, answer="certificate verify failed: \x1b[2J"),
            7,
            "SSL_do_handshake(7) = -1 certificate verify failed: ␛[2J",
        ),
        (call(Function.SSL_READ, 13, size=65536, length=13), 7, "SSL_read(7, 65536) = 13"),
        (call(Function.SSL_WRITE, 13, size=13, length=13), 7, "SSL_write(7, 13 bytes) = 13"),
        (call(Function.SSL_SHUTDOWN, 1), 7, "SSL_shutdown(7) = 1"),
        (call(Function.TELNET_RECV, 3, size=20, length=3), 7, "telnet_recv(7, 20) = 3"),
        (call(Function.WS_SEND, 13, size=13, length=13, args=("text",)), 7, "ws_send(7, text, 13 bytes) = 13"),
        (
            call(Function.WS_SEND, 2, size=2, length=2, args=("close", 1000, "")),
            7,
            "ws_send(7, close, 1000, 2 bytes) = 2",
        ),
        (
            call(Function.WS_RECV, 5, size=5, length=5, args=("close", 1000, "bye")),
            7,
            "ws_recv(7) = 5 → close 1000 bye",
        ),
        (call(Function.WS_RECV, -1, args=("handshake",), answer="HTTP 404"), 7, "ws_recv(7) = -1 HTTP 404"),
        (call(Function.BIND, args=("/tmp/\x1b]0;x\a",)), 7, "bind(7, /tmp/␛]0;x␇) = 0"),
    ],
    ids=str,
)
def test_a_call_is_written_as_in_c(made: Call, fd: int, line: str) -> None:
    assert c_line(made, fd) == line


def test_every_function_is_written_by_its_name() -> None:
    for name in set(Function) - {Function.NOTE}:
        assert c_line(call(name), 3).startswith(f"{name}(")


def test_what_has_no_name_here_is_shown_by_its_number() -> None:
    made = call(Function(24), 0, args=("x", 7), layer=Layer(9), length=5)
    assert c_line(made, 7) == "function 24(7, x, 7) = 0"
    assert remark(made) == "layer 9"
    assert meaning("raw", made, lambda: b"\x45" * 40) == ""


@pytest.mark.parametrize(("text", "shown"), [("held 2.1 s", "held 2.1 s"), ("a\x1b[2J", "a␛[2J"), (None, "(not kept)")])
def test_a_note_is_shown_in_its_words(text: str | None, shown: str) -> None:
    assert c_line(call(Function.NOTE, args=("hold",), answer=text), -1) == f"note: {shown}"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (call(Function.RECV, 0, size=20), "the peer's FIN"),
        (call(Function.RECV, 5, size=20, length=5), ""),
        (call(Function.RECV, -1, 104, size=20), ""),
        (call(Function.SEND, 3, size=20, length=3), "the kernel took a part: its buffer is full"),
        (call(Function.SEND, -1, 32, size=20), ""),
        (call(Function.CLOSE), ""),
        (call(Function.SSL_READ, 0, size=20, layer=Layer.TLS), "the peer's close_notify"),
        (call(Function.RECVFROM, 50, size=20, length=20, message=True), "20 of 50 bytes fitted: the rest is lost"),
        (call(Function.RECVFROM, 0, size=20, message=True), "an empty message"),
        (call(Function.SENDTO, 0, message=True), "an empty message"),
        (call(Function.WS_RECV, 0, message=True, layer=Layer.WS), "an empty message"),
        (call(Function.SSL_WRITE, 3, size=20, length=3, layer=Layer.TLS), ""),
    ],
)
def test_only_what_the_result_hides_is_remarked(made: Call, text: str) -> None:
    assert remark(made) == text


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 µs"),
        (800, "0.8 µs"),
        (1_250, "1.2 µs"),
        (18_000, "18 µs"),
        (999_400, "999 µs"),
        (999_600, "1.0 ms"),
        (1_200_000, "1.2 ms"),
        (9_940_000, "9.9 ms"),
        (9_960_000, "10 ms"),
        (3_400_000_000, "3.4 s"),
        (86_400_000_000_000, "86400 s"),
        (-5, "0 µs"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert duration_text(ns) == text


ARGUMENTS: st.SearchStrategy[Argument] = st.one_of(
    st.text(), st.integers(), st.lists(st.one_of(st.text(), st.integers()), max_size=3)
)


@given(
    st.sampled_from(Function),
    st.integers(),
    st.integers(0, 65535),
    st.lists(ARGUMENTS, max_size=4).map(tuple),
    st.none() | ARGUMENTS,
)
def test_no_call_raises_or_reaches_the_terminal(
    name: Function, result: int, errno: int, args: tuple[Argument, ...], answer: Argument | None
) -> None:
    """What stands in a damaged capture can be anything."""
    made = call(name, result, errno, args=args, answer=answer, layer=layer_of(name), length=3, message=True)
    line = c_line(made, 3)
    assert safe(line) == line
    remark(made)
    message_kind("udp", made)


@pytest.mark.parametrize(
    ("scheme", "name", "data", "text"),
    [
        ("tcp", Function.SEND, b"\xff\xfb\x18", ""),
        ("telnet", Function.SEND, b"\xff\xfb\x18login", "IAC WILL TERMINAL-TYPE"),
        ("telnet", Function.TELNET_SEND, b"\xff\xfb\x18", ""),
        ("icmp", Function.SEND, b"\x08\x00\xf7\xfd\x00\x02\x00\x00", "ICMP echo request id 0x0002 seq 0"),
        ("raw", Function.RECVFROM, b"", ""),
    ],
)
def test_packets_and_commands_have_a_meaning(scheme: str, name: Function, data: bytes, text: str) -> None:
    made = call(name, len(data), length=len(data), layer=layer_of(name))
    assert meaning(scheme, made, lambda: data).startswith(text)
    assert bool(meaning(scheme, made, lambda: data)) == bool(text)


def test_what_a_message_is_called() -> None:
    received = call(Function.RECV, 3, length=3, message=True)
    assert message_kind("udp", received) == message_kind("unix-dgram", received) == "datagram"
    assert message_kind("unix-seqpacket", received) == message_kind("raw", received) == "packet"
    assert message_kind("ws", call(Function.WS_RECV, args=("close", 1001, "away"), layer=Layer.WS)) == "close 1001 away"
