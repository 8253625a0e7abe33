"""Telnet without the socket: commands, options and the network virtual terminal (RFC 854, RFC 855, RFC 1143)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from socktui.core.payload import to_escapes

SE, NOP, AYT, SB, WILL, WONT, DO, DONT, IAC = 240, 241, 246, 250, 251, 252, 253, 254, 255
BINARY, ECHO, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, NAWS = 0, 1, 3, 24, 31

COMMANDS = {
    236: "EOF",
    237: "SUSP",
    238: "ABORT",
    239: "EOR",
    SE: "SE",
    NOP: "NOP",
    242: "DM",
    243: "BRK",
    244: "IP",
    245: "AO",
    AYT: "AYT",
    247: "EC",
    248: "EL",
    249: "GA",
    SB: "SB",
    WILL: "WILL",
    WONT: "WONT",
    DO: "DO",
    DONT: "DONT",
}
"""RFC 854; RFC 1184 for the first three, RFC 885 for EOR."""

OPTIONS = {
    BINARY: "BINARY",
    ECHO: "ECHO",
    2: "RECONNECTION",
    SUPPRESS_GO_AHEAD: "SUPPRESS-GO-AHEAD",
    5: "STATUS",
    6: "TIMING-MARK",
    18: "LOGOUT",
    TERMINAL_TYPE: "TERMINAL-TYPE",
    25: "END-OF-RECORD",
    NAWS: "NAWS",
    32: "TERMINAL-SPEED",
    33: "TOGGLE-FLOW-CONTROL",
    34: "LINEMODE",
    35: "X-DISPLAY-LOCATION",
    36: "ENVIRON",
    37: "AUTHENTICATION",
    38: "ENCRYPT",
    39: "NEW-ENVIRON",
    42: "CHARSET",
    44: "COM-PORT-OPTION",
    255: "EXTENDED-OPTIONS-LIST",
}
"""The options by number, as the IANA registry of telnet options names them."""

IS, SEND = 0, 1  # RFC 1091
HERE = b"\r\n[yes]\r\n"
"""The visible evidence that RFC 854 asks for as the answer to AYT, "are you there?"."""

PARAMETERS_MAX = 512
"""The most bytes that the parameters of a subnegotiation may have: a longer one is ignored."""


# What bytes mean


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it was received.

    code        the byte after IAC
    option      of WILL, WONT, DO, DONT and SB; None for the others
    parameters  of SB, up to IAC SE, each IAC in them once; None where they are longer than PARAMETERS_MAX
    """

    code: int
    option: int | None = None
    parameters: bytes | None = b""

    def __str__(self) -> str:
        """`IAC DO TERMINAL-TYPE`, `IAC SB TERMINAL-TYPE IS DUMB IAC SE`."""
        words = ["IAC", COMMANDS.get(self.code, str(self.code))]
        if self.option is not None:
            words.append(OPTIONS.get(self.option, str(self.option)))
        if self.code == SB:
            words += [*_parameter_words(self.option, self.parameters), "IAC SE"]
        return " ".join(words)


_DATA = re.compile(rb"(?:[^\xff]++|\xff\xff)++")
_COMMAND = re.compile(
    rb"\xff(?:"
    rb"(?P<verb>[\xfb-\xfe])(?P<option>.)"
    rb"|\xfa(?P<about>.)(?P<parameters>(?:[^\xff]++|\xff\xff)*+)\xff(?P<end>[^\xff])"
    rb"|(?P<code>[^\xfa-\xff])"
    rb")",
    re.DOTALL,
)
_UNFINISHED_SB = re.compile(rb"\xff\xfa.(?P<parameters>(?:[^\xff]++|\xff\xff)*+)\xff?", re.DOTALL)


class Tokens:
    """A tokenizer: it separates data and commands, in bytes that may be cut anywhere."""

    __slots__ = ("_overlong", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._overlong = False

    @property
    def rest(self) -> bytes:
        """The start of a command that is not complete yet; of an overlong one, no more than is needed."""
        return self._rest

    def feed(self, data: bytes) -> Iterator[bytes | Command]:
        """Take bytes; the runs of data and the commands that are complete now, in order. IAC IAC becomes one byte."""
        data = self._rest + data
        self._rest = b""
        at = 0
        while at < len(data):
            if match := _DATA.match(data, at):
                at = match.end()
                yield match[0].replace(b"\xff\xff", b"\xff")
            elif match := _COMMAND.match(data, at):
                at = match.end()
                if match["end"] and match["end"][0] != SE:
                    self._overlong = False
                    at -= 2  # broken off by another command, which begins here
                else:
                    yield self._command(match)
            else:
                self._keep(data[at:])
                return

    def _command(self, match: re.Match[bytes]) -> Command:
        if match["verb"]:
            return Command(match["verb"][0], match["option"][0])
        if match["about"]:
            raw, overlong, self._overlong = match["parameters"], self._overlong, False
            long = overlong or len(raw) > PARAMETERS_MAX
            return Command(SB, match["about"][0], None if long else raw.replace(b"\xff\xff", b"\xff"))
        return Command(match["code"][0])

    def _keep(self, rest: bytes) -> None:
        match = _UNFINISHED_SB.fullmatch(rest)
        if match and len(match["parameters"]) > PARAMETERS_MAX:
            self._overlong = True
            rest = rest[:3] + rest[match.end("parameters") :]
        self._rest = rest


def describe(data: bytes) -> list[str]:
    """Bytes of the wire in words, a line for each command and each run of data: `IAC WILL ECHO`, `"login: "`.

    Data are written with escapes; all lines are safe to print. A command that is cut off ends in `…`.
    """
    tokens = Tokens()
    lines: list[str] = []
    for token in tokens.feed(data):
        lines.append(f'"{to_escapes(token, "utf-8")}"' if isinstance(token, bytes) else str(token))
    if tokens.rest:
        lines.append(" ".join([*_beginning(tokens.rest), "…"]))
    return lines


def _beginning(rest: bytes) -> list[str]:
    words = ["IAC", *(COMMANDS[code] for code in rest[1:2])]
    return words + [OPTIONS.get(option, str(option)) for option in rest[2:3]]


def _parameter_words(option: int | None, parameters: bytes | None) -> list[str]:
    if parameters is None:
        return [f"(more than {PARAMETERS_MAX} bytes)"]
    if option == TERMINAL_TYPE and parameters[:1] == bytes([SEND]):
        return ["SEND"]
    if option == TERMINAL_TYPE and parameters[:1] == bytes([IS]):
        return ["IS", to_escapes(parameters[1:], "ascii")]
    if option == NAWS and len(parameters) == 4:
        return [f"{int.from_bytes(parameters[:2])} {int.from_bytes(parameters[2:])}"]
    return [parameters.hex(" ")] if parameters else []


# What is agreed


class State(Enum):
    """The state of one option at one end (RFC 1143, section 7). `BACK`: the opposite was asked for since."""

    NO = "NO"
    YES = "YES"
    WANT_NO = "WANTNO EMPTY"
    WANT_NO_BACK = "WANTNO OPPOSITE"
    WANT_YES = "WANTYES EMPTY"
    WANT_YES_BACK = "WANTYES OPPOSITE"


class Event(Enum):
    """What changes an option: a command of the peer, or a request made here."""

    ON = "the peer says WILL, or DO"
    REFUSED = "the same of an option that is not taken"
    OFF = "the peer says WONT, or DONT"
    ENABLE = "it shall be on"
    DISABLE = "it shall be off"


Q_METHOD: dict[tuple[State, Event], tuple[State, bool | None]] = {
    (State.NO, Event.ON): (State.YES, True),
    (State.NO, Event.REFUSED): (State.NO, False),
    (State.NO, Event.ENABLE): (State.WANT_YES, True),
    (State.YES, Event.OFF): (State.NO, False),
    (State.YES, Event.DISABLE): (State.WANT_NO, False),
    (State.WANT_NO, Event.ON): (State.NO, None),
    (State.WANT_NO, Event.OFF): (State.NO, None),
    (State.WANT_NO, Event.ENABLE): (State.WANT_NO_BACK, None),
    (State.WANT_NO_BACK, Event.ON): (State.YES, None),
    (State.WANT_NO_BACK, Event.OFF): (State.WANT_YES, True),
    (State.WANT_NO_BACK, Event.DISABLE): (State.WANT_NO, None),
    (State.WANT_YES, Event.ON): (State.YES, None),
    (State.WANT_YES, Event.OFF): (State.NO, None),
    (State.WANT_YES, Event.DISABLE): (State.WANT_YES_BACK, None),
    (State.WANT_YES_BACK, Event.ON): (State.WANT_NO, False),
    (State.WANT_YES_BACK, Event.OFF): (State.NO, None),
    (State.WANT_YES_BACK, Event.ENABLE): (State.WANT_YES, None),
}
"""(state, event) to (next state, the answer: on, off or none). A pair that is not here changes and sends nothing."""


class Options:
    """The options of one end, negotiated by the Q method, which rules out endless answers (RFC 1143)."""

    __slots__ = ("_off", "_on", "_states", "_taken")

    def __init__(self, on: int, off: int, taken: frozenset[int]) -> None:
        """on, off: the commands that ask for or accept an option, and that refuse it. taken: the options to accept."""
        self._on = on
        self._off = off
        self._taken = taken
        self._states: dict[int, State] = {}

    def state(self, option: int) -> State:
        """The state of an option; NO for one that was never asked for."""
        return self._states.get(option, State.NO)

    def tell(self, option: int, event: Event) -> bytes:
        """Apply an event to an option. The command to send in answer, or no bytes."""
        state = self.state(option)
        if event is Event.ON and state is State.NO and option not in self._taken:
            event = Event.REFUSED
        self._states[option], say = Q_METHOD.get((state, event), (state, None))
        return b"" if say is None else bytes([IAC, self._on if say else self._off, option])


class Telnet:
    """One end of a telnet connection, without a socket: it decodes, encodes and answers the peer's commands."""

    def __init__(
        self,
        ours: frozenset[int],
        theirs: frozenset[int],
        *,
        requests: tuple[tuple[int, int], ...] = (),
        terminal: str = "",
        size: tuple[int, int] = (0, 0),
        presence: bytes = b"",
    ) -> None:
        """ours, theirs: the options to accept at this end, and at the peer's.

        requests  the requests to begin with: WILL, WONT, DO or DONT, and an option
        terminal  the name to send for TERMINAL-TYPE (RFC 1091)
        size      columns and rows to send for NAWS (RFC 1073)
        presence  the data to send in answer to AYT, "are you there?"
        """
        self._tokens = Tokens()
        self._ours = Options(WILL, WONT, ours)
        self._theirs = Options(DO, DONT, theirs)
        self._requests = requests
        self._terminal = terminal.encode("ascii")
        self._size = size
        self._presence = presence
        self._after_cr = False

    def ours(self, option: int) -> bool:
        """Whether an option is in force at this end."""
        return self._ours.state(option) is State.YES

    def theirs(self, option: int) -> bool:
        """Whether an option is in force at the peer's end."""
        return self._theirs.state(option) is State.YES

    def begin(self) -> bytes:
        """The bytes to send before anything else: the requests to begin with."""
        return b"".join(self.request(verb, option) for verb, option in self._requests)

    def request(self, verb: int, option: int) -> bytes:
        """The bytes that ask for an option: WILL or WONT for this end, DO or DONT for the peer's."""
        options = self._ours if verb in (WILL, WONT) else self._theirs
        return options.tell(option, Event.ENABLE if verb in (WILL, DO) else Event.DISABLE)

    def received(self, data: bytes) -> tuple[bytes, bytes]:
        """Decode bytes from the peer: the data in them, and the bytes to send in answer to the commands in them.

        CR NUL becomes CR, unless the peer sends BINARY; CR LF stays as it is.
        """
        found, answers = bytearray(), bytearray()
        for token in self._tokens.feed(data):
            if isinstance(token, bytes):
                found += self._decoded(token)
            else:
                answers += self._answer(token)
        return bytes(found), bytes(answers)

    def escaped(self, data: bytes) -> bytes:
        """Encode data for the wire: IAC doubled, and CR NUL for a CR without LF, unless BINARY is in force here."""
        if not self.ours(BINARY):
            data = _LONE_CR.sub(b"\r\0", data)
        return data.replace(b"\xff", b"\xff\xff")

    def _decoded(self, data: bytes) -> bytes:
        if self.theirs(BINARY):
            self._after_cr = False
            return data
        start = 1 if self._after_cr and data[0] == 0 else 0
        self._after_cr = data[-1:] == b"\r"
        return data[start:].replace(b"\r\0", b"\r")

    def _answer(self, command: Command) -> bytes:
        code, option = command.code, command.option
        if option is None:
            return self._presence if code == AYT else b""
        if code == SB:
            return self._subject(option, command.parameters)
        if code in (WILL, WONT):
            return self._theirs.tell(option, Event.ON if code == WILL else Event.OFF)
        before = self.ours(option)
        answer = self._ours.tell(option, Event.ON if code == DO else Event.OFF)
        if option == NAWS and self.ours(NAWS) and not before:
            columns, rows = self._size
            answer += subnegotiation(NAWS, columns.to_bytes(2) + rows.to_bytes(2))
        return answer

    def _subject(self, option: int, parameters: bytes | None) -> bytes:
        if option == TERMINAL_TYPE and self.ours(option) and parameters == bytes([SEND]):
            return subnegotiation(option, bytes([IS]) + self._terminal)
        return b""


_LONE_CR = re.compile(rb"\r(?!\n)")


def subnegotiation(option: int, parameters: bytes) -> bytes:
    """IAC SB ... IAC SE, as it is sent (RFC 855)."""
    return bytes([IAC, SB, option]) + parameters.replace(b"\xff", b"\xff\xff") + bytes([IAC, SE])


def client(terminal: str = "DUMB", size: tuple[int, int] | None = None) -> Telnet:
    """The end of a client: it lets the server echo, and offers its terminal's name and size (columns, rows)."""
    about = (TERMINAL_TYPE, NAWS) if size else (TERMINAL_TYPE,)
    return Telnet(
        frozenset({BINARY, SUPPRESS_GO_AHEAD, *about}),
        frozenset({BINARY, SUPPRESS_GO_AHEAD, ECHO}),
        requests=((DO, SUPPRESS_GO_AHEAD), *((WILL, option) for option in about)),
        terminal=terminal,
        size=size or (0, 0),
    )


def server() -> Telnet:
    """The end of a server: it asks for nothing, and accepts the options that let any bytes through."""
    taken = frozenset({BINARY, SUPPRESS_GO_AHEAD})
    return Telnet(taken, taken, presence=HERE)
