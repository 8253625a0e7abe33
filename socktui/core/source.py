"""A call as a line of C, as the man pages write it, and a short remark beside it."""

from collections.abc import Callable

from socktui.core.call import Argument, Call, Function, Layer, address_text, errno_name
from socktui.core.safe import safe

__all__ = ["agreed", "c_line", "duration_text", "meaning", "message_kind", "remark"]

_KINDS = {"udp": "datagram", "unix-dgram": "datagram"}
_UNITS = ((1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))


def c_line(call: Call, fd: int) -> str:
    """The call on descriptor `fd` and what it returned, `recv(7, 20) = 13`, safe to print.

    Values behind pointers are written out: addresses and values of options; of a buffer its length.
    A function that has no name here is shown by its number, `function 24(7) = 0`, and a note as `note: held 2.1 s`.
    """
    if call.name is Function.NOTE:
        return safe(f"note: {call.answer or '(not kept)'}")
    return safe(f"{call.name}({', '.join(_arguments(call, fd))}) = {_answer(call)}")


def remark(call: Call) -> str:
    """The meaning of a result that is not obvious, such as 0 from recv(2); empty for most calls."""
    if not call.layer.known:
        return str(call.layer)
    if call.eof:
        return "the peer's close_notify" if call.layer is Layer.TLS else "the peer's FIN"
    if call.receives and call.message and call.result > call.length:
        return f"{call.length} of {call.result} bytes fitted: the rest is lost"
    if call.name is Function.SEND and 0 <= call.result < call.size:
        return "the kernel took a part: its buffer is full"
    if call.empty:
        return "an empty message"
    return ""


def agreed(call: Call) -> str:
    """The outcome of a TLS handshake: version, cipher and the certificate's subject, as far as they are known."""
    answer = call.answer if isinstance(call.answer, list) else [call.answer or ""]
    return ", ".join(str(part) for part in answer if part != "")


def message_kind(scheme: str, call: Call) -> str:
    """The kind of a message: `datagram`, `packet`; of WebSocket (RFC 6455) `text`, `ping` or `close 1000 bye`."""
    if call.layer is Layer.WS:
        return " ".join(_value(value) for value in call.args if value != "") or "message"
    return _KINDS.get(scheme, "packet")


def meaning(scheme: str, call: Call, read: Callable[[], bytes | None]) -> str:
    """A summary of a call's bytes where they are an IP packet or telnet commands; empty for all others.

    read  returns those bytes; None where they were not kept
    """
    if not call.transfers:
        return ""
    # What reads packets and commands is loaded with the first of them: few captures have any.
    if scheme in ("icmp", "raw") and call.length:
        from socktui.core import icmp

        return icmp.describe(read() or b"")
    if scheme == "telnet" and call.length and call.layer is Layer.WIRE:
        from socktui.core import telnet

        return ", ".join(line for line in telnet.describe(read() or b"") if line.startswith("IAC "))
    return ""


def duration_text(ns: int) -> str:
    """A duration in ns for people: `18 µs`, `1.2 ms`, `3.4 s`, with two significant digits at least."""
    for size, unit in _UNITS:
        value = max(ns, 0) / size
        if value < 999.5 or unit == "s":
            break
    return f"{value:.1f} {unit}" if 0 < value < 9.95 else f"{value:.0f} {unit}"


def _arguments(call: Call, fd: int) -> list[str]:
    args = call.args
    match call.name:
        case Function.SOCKET:
            return [str(value) for value in args]
        case Function.BIND | Function.CONNECT:
            return [str(fd), *(_address(value) for value in args)]
        case Function.SEND | Function.SENDTO | Function.SSL_WRITE | Function.TELNET_SEND:
            return [str(fd), _bytes(call.size), *(_address(value) for value in args)]
        case Function.RECV | Function.RECVFROM | Function.SSL_READ | Function.TELNET_RECV:
            return [str(fd), str(call.size), *(_value(value) for value in args)]
        case Function.WS_SEND:
            return [str(fd), *(_value(value) for value in args if value != ""), _bytes(call.size)]
        case Function.WS_RECV:
            return [str(fd)]
        case _:
            return [str(fd), *(_value(value) for value in args)]


def _answer(call: Call) -> str:
    if call.errno:
        return f"{call.result} {errno_name(call.errno)}"
    if call.name is Function.WS_RECV and call.args and not call.failed:
        return f"{call.result} → {' '.join(_value(value) for value in call.args if value != '')}"
    if call.answer is None:
        return str(call.result)
    match call.name:
        case Function.GETSOCKNAME | Function.GETPEERNAME:
            return _address(call.answer)
        case Function.ACCEPT | Function.RECVFROM:
            return f"{call.result} from {_address(call.answer)}"
        case Function.GETSOCKOPT if "SO_ERROR" in call.args and isinstance(call.answer, int) and call.answer:
            return f"{call.result} → {errno_name(call.answer)}"
        case Function.GETSOCKOPT if (
            "SO_PEERCRED" in call.args and isinstance(call.answer, list) and len(call.answer) == 3
        ):
            pid, uid, gid = call.answer
            return f"{call.result} → {{pid={pid}, uid={uid}, gid={gid}}}"
        case _ if call.failed:
            return f"{call.result} {_value(call.answer)}"
        case Function.SSL_DO_HANDSHAKE:
            return f"{call.result} → {agreed(call)}"
        case _:
            return f"{call.result} → {_value(call.answer)}"


def _bytes(size: int) -> str:
    return f"{size} byte{'' if size == 1 else 's'}"


def _address(value: Argument) -> str:
    """An address; an unnamed UNIX socket has none."""
    return address_text(value) or "(unnamed)"


def _value(value: Argument) -> str:
    """An argument; a struct, such as that of SO_LINGER, in braces."""
    return f"{{{', '.join(map(str, value))}}}" if isinstance(value, list) else str(value)
