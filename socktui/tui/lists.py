"""The rows of the lists: sockets and calls of a capture, with what the kernel tells of them."""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Iterator, Sequence

from socktui.core.call import Function, errno_name
from socktui.core.safe import safe
from socktui.core.sockets import End, Role, Socket, State
from socktui.core.source import c_line, duration_text
from socktui.host.rows import Row
from socktui.host.watch import SocketId, Watch
from socktui.journal.reader import Reader
from socktui.tui.call_sequence import CallSequence
from socktui.tui.format import age, amount, ended, endpoint_of, has_layers, netid, queued, why
from socktui.tui.rates import Rates
from socktui.tui.widgets.columns import Column
from socktui.tui.widgets.table import Cell, CellStyle

REMEMBERED = 512
AT_ONCE = 1000
"""How many sockets are looked at in a turn, however many there are: a key must not wait for more."""

LISTENING = (
    Column("Netid", 5, priority=5, grows=True),
    Column("State", 6, priority=6),
    Column("Recv-Q", 6, align=">", priority=4),
    Column("Send-Q", 6, align=">", priority=3),
    Column("Local", 15, priority=9, flex=True, elide="middle"),
    Column("Service", 7, priority=8),
    Column("Age", 3, align=">", priority=1),
)
CONNECTIONS = (
    Column("#", 3, align=">", priority=8, grows=True),
    Column("Netid", 5, priority=6, grows=True),
    Column("State", 7, priority=9, wide=10),
    Column("Recv-Q", 6, align=">", priority=3),
    Column("Send-Q", 6, align=">", priority=3),
    Column("Local", 15, priority=2, flex=True, elide="middle"),
    Column("Peer", 10, priority=8, flex=True, elide="middle", wide=15),
    Column("Service", 7, priority=5),
    Column("Rate", 6, priority=4),
    Column("In", 4, align=">", priority=7),
    Column("Out", 4, align=">", priority=7),
    Column("Age", 3, align=">", priority=4),
    Column("Ended", 12, priority=2, wide=22),
)
NETID, STATE, PEER, SERVICE, ENDED = 1, 2, 6, 7, 12
QUEUES = (3, 4)
"""Where cells of a connection stand."""

CALLS = (
    Column("Time", 12, priority=1),
    Column("#", 3, align=">", priority=8, grows=True),
    Column("Call", 26, priority=9, flex=True, elide="middle"),
    Column("Took", 6, align=">", priority=3),
)


def kernel_row(watch: Watch | None, socket: Socket) -> Row | None:
    """The kernel's row of a socket; None where it tells nothing.

    The peers of a datagram socket have none of their own: they share its descriptor and its queues.
    """
    if watch is None or (socket.datagrams and socket.parent):
        return None
    return watch.row(SocketId(socket.netid, socket.local, socket.peer, socket.fd))


class Sockets:
    """The sockets of a capture that belong in a list, oldest first; found as they come, never looked for twice.

    layered  whether any of them speaks a protocol over another
    """

    def __init__(self, reader: Reader, roles: frozenset[Role]) -> None:
        self._reader = reader
        self._roles = roles
        self._numbers = array("L")
        self._undecided: list[int] = []
        self._looked = 0
        self.layered = False

    @property
    def behind(self) -> bool:
        """Whether there are sockets that have not been looked at."""
        return self._looked < self._reader.sockets

    def refresh(self, most: int = AT_ONCE) -> None:
        """Sort in the sockets that have come."""
        looked = min(self._reader.sockets, self._looked + most)
        self._undecided += range(self._looked + 1, looked + 1)
        self._looked = looked
        undecided = []
        for number in self._undecided:
            socket = self._reader.socket(number)
            if _role(socket) in self._roles:
                at = bisect_left(self._numbers, number)
                self._numbers.insert(at, number)
                self.layered = self.layered or has_layers(socket)
                self.found(number)
            elif socket.role is Role.NEW and socket.open:
                undecided.append(number)
        self._undecided = undecided

    def found(self, number: int) -> None:
        """One more belongs in the list."""

    def clear(self) -> int:
        """Take the closed ones off; how many those were."""
        self.refresh(self._reader.sockets)
        before = len(self._numbers)
        self._numbers = array("L", (number for number in self._numbers if self._reader.socket(number).open))
        return before - len(self._numbers)

    def socket(self, i: int) -> Socket:
        """The socket of a row."""
        return self._reader.socket(self._numbers[i])

    def newest_first(self) -> Iterator[Socket]:
        """The sockets in the list, from the end."""
        return (self._reader.socket(number) for number in reversed(self._numbers))

    def __len__(self) -> int:
        return len(self._numbers)

    def key(self, i: int) -> Hashable:
        """The number of the socket in a row."""
        return self._numbers[i]

    def index(self, key: Hashable) -> int | None:
        """The row of a socket, by its number; None where it is not in the list."""
        if not isinstance(key, int):
            return None
        at = bisect_left(self._numbers, key)
        return at if at < len(self._numbers) and self._numbers[at] == key else None


class Listening(Sockets):
    """Rows of the listening sockets, and of those that tried to be."""

    def __init__(self, reader: Reader, watch: Watch | None, now: Clock) -> None:
        super().__init__(reader, frozenset({Role.LISTENER}))
        self._watch = watch
        self._now = now

    def cells(self, i: int) -> Sequence[Cell]:
        """The cells of a row: its socket as the kernel tells of it now, or as it ended."""
        socket = self.socket(i)
        if not socket.open:
            end = ended(socket)
            cells = [netid(socket), end, "-", "-", socket.local, socket.service, self._now.age(socket)]
            return [(safe(text), "bad" if text == end and socket.errno else "dim") for text in cells]
        row = kernel_row(self._watch, socket)
        full = row is not None and row.recv_q > row.send_q
        waiting = str(row.recv_q) if row else "-"
        local: Cell = safe(socket.local)
        endpoint = endpoint_of(socket)
        if endpoint is not None and not endpoint.loopback:
            local = (safe(socket.local), "bad")
        return [
            netid(socket),
            (str(socket.state), "good"),
            (waiting, "bad") if full else waiting,
            str(row.send_q if row else socket.backlog if socket.state is State.LISTEN else "-"),
            local,
            (safe(socket.service), "accent"),
            self._now.age(socket),
        ]


class Connections(Sockets):
    """Rows of the connections, ours and accepted ones."""

    def __init__(self, reader: Reader, watch: Watch | None, now: Clock) -> None:
        super().__init__(reader, frozenset({Role.CLIENT, Role.ACCEPTED}))
        self._watch = watch
        self._now = now
        self._rates = Rates()
        self._open: deque[int] = deque()

    def prune(self, most: int = AT_ONCE) -> None:
        """See which have been closed; the next ones at the next turn."""
        for _ in range(min(most, len(self._open))):
            number = self._open.popleft()
            if self._reader.open(number):
                self._open.append(number)

    def open_count(self) -> int:
        """How many of them were open when they were last looked at."""
        return len(self._open)

    def open_of(self, listener: int) -> list[int]:
        """The open connections of a listener."""
        mine = (number for number in self._open if self._reader.socket(number).parent == listener)
        return sorted(number for number in mine if self._reader.open(number))

    def found(self, number: int) -> None:
        self._open.append(number)

    def cells(self, i: int) -> Sequence[Cell]:
        """The cells of a row: its socket as the kernel tells of it now, or as it ended."""
        socket = self.socket(i)
        row = kernel_row(self._watch, socket) if socket.open else None
        state = row.state if row else str(socket.state)
        service = socket.service or "client"
        if not socket.open:
            state = ended(socket)
        texts = [
            str(socket.number),
            netid(socket),
            state,
            queued(row.recv_q) if row else "-",
            queued(row.send_q) if row else "-",
            socket.local,
            socket.peer or socket.who,
            service,
            self._rates.graph(socket) if socket.open and self._watch else "",
            amount(socket.received),
            amount(socket.sent),
            self._now.age(socket),
            why(socket),
        ]
        styles: dict[int, CellStyle] = {STATE: "good" if state == "ESTAB" else "warn", SERVICE: "accent"}
        if state == "UNCONN":
            del styles[STATE]
        styles |= {queue: "warn" for queue in QUEUES if texts[queue] not in ("0", "-")}
        if not socket.open:
            bad = socket.end in (End.FAILED, End.PEER_RESET)
            styles = {i: "bad" if bad and i in (STATE, ENDED) else "dim" for i in range(len(texts))}
        if socket.insecure:
            styles |= {NETID: "bad", PEER: "bad", ENDED: "bad"}
        return [(safe(text), styles[i]) if i in styles else safe(text) for i, text in enumerate(texts)]


class Calls:
    """Rows of a sequence: each call as its line of C, each note in its words."""

    def __init__(self, sequence: CallSequence) -> None:
        self.sequence = sequence
        self._fds: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.sequence)

    def key(self, i: int) -> Hashable:
        """The number in the capture of the call in a row."""
        return self.sequence.seq(i)

    def index(self, key: Hashable) -> int | None:
        """The row of a call, by its number; None where it is not known yet."""
        return self.sequence.position(key) if isinstance(key, int) and key < self.sequence.reader.count else None

    def line(self, i: int) -> str:
        """The line of C of a call."""
        call = self.sequence.call(i)
        return c_line(call, self._fd(call.socket))

    def cells(self, i: int) -> Sequence[Cell]:
        """The cells of a row: when, on which socket, the line of C, and how long it took."""
        call = self.sequence.call(i)
        line = self.line(i)
        style: CellStyle | None = None
        note = call.name is Function.NOTE
        if note:
            style = "warn"
        elif call.failed:
            style = "dim" if errno_name(call.errno) in ("EINPROGRESS", "EAGAIN") else "bad"
        elif call.transfers and call.length:
            style = "good" if call.sends else "accent"
        stamp = time.strftime("%H:%M:%S", time.localtime(self._wall(call.time) // 10**9))
        millis = self._wall(call.time) // 10**6 % 1000
        return [
            (f"{stamp}.{millis:03d}", "dim"),
            (f"{call.socket or ''}", "dim"),
            (line, style) if style else line,
            ("" if note else duration_text(call.duration), "dim"),
        ]

    def _wall(self, monotonic: int) -> int:
        reader = self.sequence.reader
        return reader.start_wall + monotonic - reader.start_monotonic

    def _fd(self, number: int) -> int:
        fd = self._fds.get(number, -1)
        if fd < 0 and number:
            if len(self._fds) > REMEMBERED:
                self._fds.clear()
            fd = self._fds[number] = self.sequence.reader.socket(number).fd
        return fd


class Clock:
    """What time it is for ages: now, or the end of a capture that nobody writes any more."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.live = reader.live

    def age(self, socket: Socket) -> str:
        """How long a socket has been there, or was."""
        until = socket.ended or (time.monotonic_ns() if self.live else max(socket.active, self._last))
        return age((until - socket.born) / 1e9 if socket.born else 0)

    @property
    def _last(self) -> int:
        return self._reader.call(self._reader.count - 1).time if self._reader.count else 0


def _role(socket: Socket) -> Role:
    """A socket that was to listen and could not is shown among those that do, one of an unknown role with the rest."""
    if not socket.role.known:
        return Role.CLIENT
    return Role.LISTENER if socket.role is Role.NEW and socket.end is End.FAILED and socket.service else socket.role
