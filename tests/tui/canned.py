"""Captures that are written by hand, with a clock of their own: the same on every machine and at any time."""

from __future__ import annotations

import errno as errnos
from pathlib import Path

from socktui.core.call import Argument, Call, Function
from socktui.core.endpoint import SCHEMES
from socktui.journal.entry import Entry
from socktui.journal.writer import Clocks, Journal

WALL = 1_767_358_800_000_000_000
"""2026-01-02 13:00:00 UTC."""
MONOTONIC = 1_000_000_000_000
MS = 1_000_000
RING = 1 << 22
_KINDS = {
    "tcp": "SOCK_STREAM", "udp": "SOCK_DGRAM", "raw": "SOCK_RAW", "icmp": "SOCK_RAW",
    "u_str": "SOCK_STREAM", "u_dgr": "SOCK_DGRAM", "u_seq": "SOCK_SEQPACKET",
}  # fmt: skip


class Canned:
    """Writes a capture. Every call takes 12 µs, and a millisecond passes from one to the next."""

    def __init__(self, path: Path, *, ring: int = RING) -> None:
        self.path = path
        self.journal = Journal(path, ring_size=ring, floor=0, clocks=Clocks(WALL, MONOTONIC))
        self.now = MONOTONIC + 250 * MS
        self._fd = 6

    def close(self) -> Path:
        self.journal.close()
        return self.path

    def wait(self, ms: float) -> None:
        self.now += int(ms * MS)

    # Sockets

    def listener(self, local: str = "127.0.0.1:5005", service: str = "echo", errno: int = 0) -> Entry:
        """socket, bind, listen; with `errno`, bind fails and the socket is closed."""
        entry = self._socket(service)
        host, port = local.rpartition(":")[::2]
        address: list[str | int] = [host.strip("[]"), int(port)]
        self.call(entry, Function.BIND, -1 if errno else 0, errno, args=(address,))
        if errno:
            self.call(entry, Function.CLOSE)
            return entry
        self.call(entry, Function.LISTEN, args=(1024,))
        self.call(entry, Function.GETSOCKNAME, answer=address)
        return entry

    def client(self, peer: str = "127.0.0.1:5005", local: str = "127.0.0.1:50928", errno: int = 0) -> Entry:
        """socket, connect; with `errno` it is refused, or whatever that says."""
        entry = self._socket("")
        host, port = peer.rpartition(":")[::2]
        to: list[str | int] = [host, int(port)]
        self.call(entry, Function.CONNECT, -1, errnos.EINPROGRESS, args=(to,))
        self.call(entry, Function.GETSOCKOPT, args=("SOL_SOCKET", "SO_ERROR"), answer=errno)
        if errno:
            self.call(entry, Function.CLOSE)
            return entry
        host, port = local.rpartition(":")[::2]
        self.call(entry, Function.GETSOCKNAME, answer=[host, int(port)])
        return entry

    def accept(self, listener: Entry, peer: str = "127.0.0.1:50928") -> Entry:
        self._fd += 1
        host, port = peer.rpartition(":")[::2]
        call = self.call(listener, Function.ACCEPT, self._fd, answer=[host, int(port)], made=self.journal.next_socket)
        return self.journal.entry(listener, call)

    def stream(self, scheme: str, local: str, peer: str, *, service: str = "", who: str = "") -> Entry:
        """An open client of a scheme, or with a service a listener's side of it; `who` is at the other end."""
        entry = self._socket(service, scheme)
        self.call(entry, Function.CONNECT, args=(_address(peer),))
        self.call(entry, Function.GETSOCKNAME, answer=_address(local))
        if who:
            self.journal.describe(entry, who=who)
        return entry

    def bound(self, scheme: str, local: str, service: str = "echo") -> Entry:
        """A server of datagrams."""
        entry = self._socket(service, scheme)
        self.call(entry, Function.BIND, args=(_address(local),))
        self.call(entry, Function.GETSOCKNAME, answer=_address(local))
        return entry

    def speaker(self, bound: Entry, address: str) -> Entry:
        """A peer of such a server, which has not said anything yet."""
        return self.journal.peer(bound, address, self.now, asked=False)

    def pair(self, listener: Entry, port: int = 50928) -> tuple[Entry, Entry]:
        """A client of a listener, and its other end."""
        local = f"127.0.0.1:{port}"
        client = self.client(listener.socket.local, local)
        return client, self.accept(listener, local)

    # Calls

    def call(
        self,
        entry: Entry,
        name: Function,
        result: int = 0,
        errno: int = 0,
        *,
        data: bytes = b"",
        size: int = 0,
        args: tuple[Argument, ...] = (),
        answer: Argument | None = None,
        made: int = 0,
    ) -> Call:
        call = Call(0, self.now, 12_000, 0, name, result, errno, size, args, answer, made)
        self.now += MS
        return self.journal.append(entry, entry.classify(call), data)

    def send(self, entry: Entry, data: bytes) -> None:
        self.call(entry, Function.SEND, len(data), data=data, size=len(data))

    def carry(
        self,
        entry: Entry,
        name: Function,
        data: bytes,
        *,
        result: int | None = None,
        size: int = 65536,
        args: tuple[Argument, ...] = (),
        answer: Argument | None = None,
    ) -> None:
        """A call that moved bytes and has more to say: a datagram's, or one of a layer above the wire."""
        self.call(entry, name, len(data) if result is None else result, data=data, size=size, args=args, answer=answer)

    def recv(self, entry: Entry, data: bytes, size: int = 65536) -> None:
        self.call(entry, Function.RECV, len(data), data=data, size=size)

    def say(self, one: Entry, other: Entry, data: bytes) -> None:
        """One end sends, the other receives."""
        self.send(one, data)
        self.recv(other, data)

    def echo(self, client: Entry, accepted: Entry, data: bytes) -> None:
        """There and back."""
        self.say(client, accepted, data)
        self.say(accepted, client, data)

    def fin(self, entry: Entry) -> None:
        """The peer's FIN is received, and answered with a close."""
        self.call(entry, Function.RECV, 0, size=65536)
        self.close_socket(entry)

    def failed_recv(self, entry: Entry, errno: int) -> None:
        self.call(entry, Function.RECV, -1, errno, size=65536)
        self.close_socket(entry)

    def reset(self, entry: Entry) -> None:
        self.call(entry, Function.SETSOCKOPT, args=("SOL_SOCKET", "SO_LINGER", [1, 0]))
        self.close_socket(entry)

    def close_socket(self, entry: Entry) -> None:
        self.call(entry, Function.CLOSE)

    # Parts

    def _socket(self, service: str, scheme: str = "tcp") -> Entry:
        entry = self.journal.entry(service=service, scheme=scheme)
        self._fd += 1
        netid = SCHEMES[scheme].netid
        family = "AF_UNIX" if netid.startswith("u_") else "AF_INET"
        self.call(entry, Function.SOCKET, self._fd, args=(family, f"{_KINDS[netid]}|SOCK_NONBLOCK|SOCK_CLOEXEC", 0))
        return entry


def _address(text: str) -> Argument:
    """As a call has it: host and port, or a path."""
    host, colon, port = text.rpartition(":")
    return [host, int(port)] if colon and port.isdigit() else text
