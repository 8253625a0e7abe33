"""What can go wrong with a verb, as codes with fields: for programs to tell apart, not to be shown.

A code is raised where it happens, crosses the control socket with its fields and its errno, and becomes a sentence in
one place, `control.explain`. Adding one is a row here, a `raise SocketError(...)` and a sentence there.
"""

from enum import StrEnum

Fields = dict[str, str | int]
"""What a sentence names: paths, addresses, numbers. Whatever is not a number is text, perhaps a peer's or a user's."""


class ErrorCode(StrEnum):
    """Why a verb was not carried out. Its fields stand in the sentences of `control.explain`."""

    KERNEL = "kernel"
    """As the kernel answered: its errno tells it all."""

    # Names and addresses
    NAME_UNKNOWN = "name-unknown"
    NAME_NOT_A_HOST = "name-not-a-host"
    NAME_WITHOUT_ADDRESS = "name-without-address"
    LOOKUP_TIMEOUT = "lookup-timeout"

    # Connections
    CONNECT_TIMEOUT = "connect-timeout"
    QUEUE_FULL = "queue-full"
    CLOSED_WHILE_CONNECTING = "closed-while-connecting"
    CLOSED_MEANWHILE = "closed-meanwhile"
    NO_OPEN_CONNECTION = "no-open-connection"
    STILL_CONNECTING = "still-connecting"
    MESSAGE_TOO_LONG = "message-too-long"
    NOT_A_REGULAR_FILE = "not-a-regular-file"

    # UNIX sockets
    SOCKET_FILE_STALE = "socket-file-stale"
    SOCKET_FILE_LIVE = "socket-file-live"
    SOCKET_FILE_OF_ANOTHER = "socket-file-of-another"
    SOCKET_FILE_TAKEN_JUST_NOW = "socket-file-taken-just-now"
    PATH_IS_NO_SOCKET = "path-is-no-socket"

    # Datagrams, groups, raw sockets
    NO_HALF_CLOSE = "no-half-close"
    PEER_WITHOUT_NAME = "peer-without-name"
    CLIENT_WITH_GROUP = "client-with-group"
    BROADCAST_NOT_ASKED = "broadcast-not-asked"
    GROUP_NOT_MULTICAST = "group-not-multicast"
    GROUP_OF_OTHER_FAMILY = "group-of-other-family"
    INTERFACE_IS_ADDRESS = "interface-is-address"
    NO_SUCH_INTERFACE = "no-such-interface"
    KERNEL_ANSWERS_ECHO = "kernel-answers-echo"
    ECHO_NOT_ALLOWED = "echo-not-allowed"
    RAW_NOT_ALLOWED = "raw-not-allowed"
    RAW_WITHOUT_ADDRESS = "raw-without-address"

    # TLS
    CERTIFICATE_REFUSED = "certificate-refused"
    VERIFY_ON_LISTENER = "verify-on-listener"
    TLS_NAME_WRONG = "tls-name-wrong"
    NOT_A_FILE = "not-a-file"
    FILE_TOO_BIG = "file-too-big"
    NO_PEM_CERTIFICATE = "no-pem-certificate"
    NO_PEM_KEY = "no-pem-key"
    KEY_WITHOUT_CERTIFICATE = "key-without-certificate"
    KEY_ENCRYPTED = "key-encrypted"
    KEY_OF_ANOTHER_CERTIFICATE = "key-of-another-certificate"
    CERTIFICATE_UNUSABLE = "certificate-unusable"
    KEYLOG_EXPOSED = "keylog-exposed"
    AUTHORITY_DAMAGED = "authority-damaged"
    AUTHORITY_UNREADABLE = "authority-unreadable"
    AUTHORITY_OF_ANOTHER = "authority-of-another"
    AUTHORITY_EXPOSED = "authority-exposed"
    NO_CERTIFICATE_FOR = "no-certificate-for"

    # WebSocket
    NO_WEBSOCKET_ASKED = "no-websocket-asked"
    WEBSOCKET_NOT_OPEN = "websocket-not-open"
    WEBSOCKET_CLOSING = "websocket-closing"
    WEBSOCKET_MESSAGE_TOO_LONG = "websocket-message-too-long"
    WEBSOCKET_CONTROL_TOO_LONG = "websocket-control-too-long"
    WEBSOCKET_KIND_UNKNOWN = "websocket-kind-unknown"
    WEBSOCKET_TEXT_NOT_UTF8 = "websocket-text-not-utf8"
    WEBSOCKET_CLOSE_WRONG = "websocket-close-wrong"
    WEBSOCKET_SUBPROTOCOL_WRONG = "websocket-subprotocol-wrong"
    WEBSOCKET_ORIGIN_WRONG = "websocket-origin-wrong"

    PROTOCOL = "protocol"
    """The peer broke a rule of a protocol above the wire; `reason` is what the capture says of it."""

    # Services, the control socket and the engine itself
    SERVICE_WRONG = "service-wrong"
    SERVICE_NEEDS_STREAM = "service-needs-stream"
    BAD_REQUEST = "bad-request"
    REQUEST_TOO_LONG = "request-too-long"
    STOPPED = "stopped"
    NOT_ASKED = "not-asked"
    """Whoever wanted to ask the engine knew that it could not be: `reason`."""

    ENGINE_FAULT = "engine-fault"
    ENGINE_GONE = "engine-gone"
    CAPTURE_NOT_MADE = "capture-not-made"


class SocketError(OSError):
    """What the engine itself refuses, or knows more of than the kernel's errno says.

    errno   as the kernel answered or would have; 0 where there is none that fits
    fields  what the sentence of the code names
    """

    def __init__(self, code: ErrorCode, errno: int | None = 0, **fields: str | int) -> None:
        super().__init__(errno or 0, str(code))
        self.code = code
        self.fields: Fields = fields

    def __str__(self) -> str:
        """For logs: the code and its fields."""
        return " ".join([str(self.code), *(f"{name}={value!r}" for name, value in self.fields.items())])
