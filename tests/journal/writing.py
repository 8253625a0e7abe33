"""Captures to read: random ones from a seed, small ones byte by byte, and a writer in a process of its own."""

import os
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from socktui.core.call import Argument, Call, Function
from socktui.core.sockets import Socket
from socktui.journal.entry import Entry
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal

RING = 1 << 18


@dataclass
class Told:
    """What a capture was told, to be compared with what it gives back."""

    calls: list[Call] = field(default_factory=list)
    data: dict[int, bytes] = field(default_factory=dict)


def moved(journal: Journal, told: Told, entry: Entry, name: Function, data: bytes) -> Call:
    """A send() or recv() that moved bytes."""
    call = Call(0, 1000 * (journal.count + 1), 500, 0, name, len(data), size=len(data) + 7)
    call = journal.append(entry, entry.classify(call), data)
    told.calls.append(call)
    told.data[call.seq] = data
    return call


def called(
    journal: Journal,
    told: Told,
    entry: Entry,
    name: Function,
    result: int,
    errno: int = 0,
    *,
    size: int = 0,
    args: tuple[Argument, ...] = (),
    answer: Argument | None = None,
    made: int = 0,
) -> Call:
    """A call that carried no bytes."""
    call = Call(0, 1000 * (journal.count + 1), 2000, 0, name, result, errno, size, args, answer, made)
    call = journal.append(entry, entry.classify(call))
    told.calls.append(call)
    return call


def accepted(journal: Journal, told: Told, listener: Entry, fd: int) -> Entry:
    call = called(
        journal, told, listener, Function.ACCEPT, fd, answer=["127.0.0.1", 50000 + fd], made=journal.next_socket
    )
    return journal.entry(listener, call)


def folded(reader: Reader) -> list[Socket]:
    """The sockets, as their calls alone tell."""
    sockets = {number: Socket(number) for number in range(1, reader.sockets + 1)}
    for seq in range(reader.count):
        call = reader.call(seq)
        sockets[call.socket].apply(call)
        if call.made:
            sockets[call.made].accepted(call, sockets[call.socket])
    return list(sockets.values())


def small(path: Path) -> None:
    """A capture of a listener, a connection and a few calls, closed in order."""
    journal = Journal(path, ring_size=RING, floor=0)
    a_few_calls(journal)
    journal.close()


def left_behind(path: Path) -> None:
    """The same as a killed writer leaves it, with the ring."""
    live = path.with_name("live.socktui")
    journal = Journal(live, ring_size=RING, floor=0)
    a_few_calls(journal)
    shutil.copytree(live, path)
    journal.close()
    os.truncate(path / "calls", 1 << 14)  # the rest is room for more
    os.truncate(path / "sockets", 1 << 12)


def a_few_calls(journal: Journal) -> None:
    told = Told()
    listener = journal.entry(service="echo")
    called(journal, told, listener, Function.SOCKET, 5, args=("AF_INET", "SOCK_STREAM", 0))
    called(journal, told, listener, Function.BIND, 0, args=(["127.0.0.1", 5005],))
    called(journal, told, listener, Function.LISTEN, 0, args=(128,))
    connection = accepted(journal, told, listener, 6)
    moved(journal, told, connection, Function.RECV, b"Hello, World!")
    moved(journal, told, connection, Function.SEND, b"Hello, World!")
    called(journal, told, connection, Function.RECV, 0, size=20)
    called(journal, told, connection, Function.CLOSE, 0)


def random_capture(path: Path, seed: int, calls: int, *, ring_size: int = RING) -> Told:
    """A capture of many sockets and calls in any order, closed in order."""
    chance = random.Random(seed)
    told = Told()
    journal = Journal(path, ring_size=ring_size, floor=0)
    entries = [journal.entry(service="echo")]
    while journal.count < calls:
        entry = chance.choice(entries)
        match chance.randrange(8):
            case 0 if len(entries) < 40:
                entries.append(journal.entry())
            case 1 if len(entries) < 40:
                entries.append(accepted(journal, told, entry, len(entries)))
            case 2:
                name = chance.choice(
                    [Function.CONNECT, Function.BIND, Function.SHUTDOWN, Function.LISTEN, Function.CLOSE]
                )
                failed = chance.random() < 0.3
                errno = chance.choice([111, 104, 115, 98]) if failed else 0
                called(journal, told, entry, name, -1 if failed else 0, errno, args=(["::1", chance.randrange(9)],))
            case 3:
                called(journal, told, entry, chance.choice([Function.RECV, Function.SEND]), -1, 104, size=20)
            case _:
                size = chance.choice([1, 20, chance.randrange(1, 5000)])
                name = chance.choice([Function.RECV, Function.SEND])
                moved(journal, told, entry, name, chance.randbytes(size))
    journal.close()
    return told
