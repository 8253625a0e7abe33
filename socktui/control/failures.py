"""What an exception of the engine's is to whoever asked for the verb: a code, an errno and fields."""

import socket as sockets
import ssl

from socktui.control.messages import Failure
from socktui.core.call import errno_name
from socktui.core.errors import ErrorCode, Fields, SocketError


def failure_of(error: Exception) -> Failure | None:
    """The failure that an exception is; None where it is none that a verb may run into: the engine is at fault."""
    match error:
        case SocketError():
            return Failure(error.code, errno_name(error.errno) if error.errno else "", error.fields)
        case sockets.gaierror():
            return Failure(ErrorCode.NAME_UNKNOWN, _gai_name(error))
        case UnicodeError():  # of the codec `idna`
            return Failure(ErrorCode.NAME_NOT_A_HOST, "EAI_NONAME")
        case ssl.SSLError():
            return None  # its errno is a number of OpenSSL's
        case OSError() if error.errno:
            fields: Fields = {"path": str(error.filename)} if error.filename else {}
            return Failure(ErrorCode.KERNEL, errno_name(error.errno), fields)
    return None


def _gai_name(error: sockets.gaierror) -> str:
    names = {getattr(sockets, name): name for name in dir(sockets) if name.startswith("EAI_")}
    return names.get(error.errno or 0, f"EAI {error.errno}")
