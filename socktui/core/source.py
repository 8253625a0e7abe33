"""A call as a line of C, the way the man pages write it, and the little that is worth saying beside it."""

from socktui.core.call import Argument, Call, Name, address_text, errno_name
from socktui.core.safe import safe

__all__ = ["c_line", "duration_text", "remark"]

_UNITS = ((1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s"))


def c_line(call: Call, fd: int) -> str:
    """`recv(7, 20) = 13`: the call on descriptor `fd` and what it returned, fit to be shown.

    What a pointer would hide is written out: addresses, values of options, and of a buffer its length.
    """
    return safe(f"{call.name}({', '.join(_arguments(call, fd))}) = {_answer(call)}")


def remark(call: Call) -> str:
    """What a result means where it does not say so itself; mostly nothing."""
    if call.eof:
        return "the peer's FIN"
    if call.sends and 0 <= call.result < call.size:
        return "the kernel took a part: its buffer is full"
    return ""


def duration_text(ns: int) -> str:
    """`18 µs`, `1.2 ms`, `3.4 s`: two digits at least, and no more than tell something."""
    for size, unit in _UNITS:
        value = max(ns, 0) / size
        if value < 999.5 or unit == "s":
            break
    return f"{value:.1f} {unit}" if 0 < value < 9.95 else f"{value:.0f} {unit}"


def _arguments(call: Call, fd: int) -> list[str]:
    match call.name:
        case Name.SOCKET:
            return [str(value) for value in call.args]
        case Name.BIND | Name.CONNECT:
            return [str(fd), *(address_text(value) for value in call.args)]
        case Name.SEND:
            return [str(fd), f"{call.size} byte{'' if call.size == 1 else 's'}"]
        case Name.RECV:
            return [str(fd), str(call.size)]
        case _:
            return [str(fd), *(_value(value) for value in call.args)]


def _answer(call: Call) -> str:
    if call.errno:
        return f"{call.result} {errno_name(call.errno)}"
    if call.answer is None:
        return str(call.result)
    match call.name:
        case Name.GETSOCKNAME | Name.GETPEERNAME:
            return address_text(call.answer)
        case Name.ACCEPT:
            return f"{call.result} from {address_text(call.answer)}"
        case Name.GETSOCKOPT if "SO_ERROR" in call.args and isinstance(call.answer, int) and call.answer:
            return f"{call.result} → {errno_name(call.answer)}"
        case _:
            return f"{call.result} → {_value(call.answer)}"


def _value(value: Argument) -> str:
    """An argument; a struct, such as that of SO_LINGER, in braces."""
    return f"{{{', '.join(map(str, value))}}}" if isinstance(value, list) else str(value)
