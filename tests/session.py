"""A server of ours with one service, its clients of ours, and what they heard: by the capture, in clear."""

import contextlib
from pathlib import Path

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Reset
from socktui.core.call import Call, Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import Role, Socket
from socktui.journal.reader import Reader
from tests.support import fresh, until

PLACES = {"port": "127.0.0.1:0", "protocol": "127.0.0.2:253", "host": "127.0.0.1"}


def anywhere(scheme: str, folder: Path) -> Endpoint:
    """An endpoint to listen on that no other test has; of raw sockets one of its own network."""
    form = Endpoint(scheme).kind.form
    return Endpoint.at(scheme, str(folder / "socket") if form == "path" else PLACES[form])


class Talk:
    """One service over one scheme. Its sockets are those that were made since."""

    def __init__(self, engine: Engine, reader: Reader, endpoint: Endpoint) -> None:
        self.engine = engine
        self.endpoint = endpoint
        self._reader = reader
        self._sockets = fresh(reader).sockets
        self._calls = reader.count
        self._layer = (Layer.WIRE, *endpoint.kind.layers)[-1]

    @property
    def messages(self) -> bool:
        return self.endpoint.kind.messages

    @property
    def connected(self) -> bool:
        """A server has a connection for each client, rather than one socket for all."""
        return not self.endpoint.kind.message or self.endpoint.scheme == "unix-seqpacket"

    async def listen(self, service: str) -> None:
        number = await self.engine.listen(self.endpoint, service)
        self.endpoint = Endpoint.at(self.endpoint.scheme, self.socket(number).local)

    async def client(self) -> int:
        """A client, once the server has it where that takes no datagram."""
        accepted = len(self.accepted())
        number = await self.engine.connect(self.endpoint)
        if self.connected:
            await until(lambda: len(self.accepted()) > accepted)
        return number

    async def served(self) -> int:
        """A client that a service speaks to first: where there is no connection, for a datagram."""
        number = await self.client()
        await self.ask_again(number)
        return number

    async def ask_again(self, number: int) -> None:
        if not self.connected:
            await self.say(number, b"?")

    async def say(self, number: int, data: bytes) -> None:
        assert await self.engine.send([number], data) == len(data)

    async def hears(self, number: int, data: bytes) -> None:
        """Wait until it has heard just that."""
        await until(lambda: self.heard(number) == data)

    def socket(self, number: int) -> Socket:
        return fresh(self._reader).socket(number)

    def accepted(self) -> list[int]:
        """The server's ends, one for each peer, in the order in which they came."""
        return [number for number in self._numbers() if self.socket(number).role is Role.ACCEPTED]

    def heard(self, number: int) -> bytes:
        return b"".join(self.received(number))

    def received(self, number: int) -> list[bytes]:
        """What each call received."""
        return [self._clear(call) for call in self.moving(number) if call.receives]

    def sent(self, number: int) -> list[bytes]:
        return [self._clear(call) for call in self.moving(number) if call.sends]

    def moving(self, number: int) -> list[Call]:
        """The calls that moved data, of the layer that services see; not those that told of an end."""
        calls = map(self._reader.call, range(self._calls, fresh(self._reader).count))
        ours = [call for call in calls if call.socket == number and call.layer is self._layer and not call.failed]
        return [call for call in ours if (call.receives or call.sends) and not call.eof and "close" not in call.args]

    def _clear(self, call: Call) -> bytes:
        """Its data; a raw socket receives the IP header, too (raw(7)), whose length is in its first byte."""
        data = self._reader.data(call) or b""
        return data[data[0] % 16 * 4 :] if self.endpoint.scheme == "raw" and call.receives else data

    async def end(self) -> None:
        """Be over with all of its sockets at once."""
        for number in self._numbers():
            with contextlib.suppress(VerbError):  # it has ended
                listens = self.socket(number).role is Role.LISTENER
                await self.engine.request(Close(number) if listens else Reset(number))
        await until(lambda: not any(self.socket(number).open for number in self._numbers()))

    def _numbers(self) -> range:
        return range(self._sockets + 1, fresh(self._reader).sockets + 1)
