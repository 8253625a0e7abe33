"""TLS (RFC 8446, RFC 5246): a connection in clear over a stream, and how its listeners and connections are set up."""

import asyncio
import errno as errnos
import os
import shlex
import ssl
from collections import deque
from collections.abc import Coroutine
from time import monotonic_ns as now
from typing import Any

from socktui.core.call import Function
from socktui.core.connection import ClosedHereError
from socktui.core.endpoint import Endpoint
from socktui.core.errors import ErrorCode, SocketError
from socktui.core.sockets import End
from socktui.engine import tcp
from socktui.engine.at_once import at_once
from socktui.engine.connection import SocketConnection
from socktui.engine.context import EngineContext
from socktui.engine.layered import Layered
from socktui.engine.listener import Accepted, Listener
from socktui.engine.lock import Lock
from socktui.engine.tls import authority, contexts, errors
from socktui.journal.writer import DETAILS_ROOM

HANDSHAKE_SECONDS = 10.0
CLOSING_SECONDS = 2.0
RECORD_SIZE = 16384  # RFC 8446, section 5.1
ANSWERS_MAX = 65536
"""Bytes of answers to the peer's own messages, such as KeyUpdate, that may wait behind what is being sent."""

_FIRST = 48
_CUT = "the peer closed without close_notify: what it sent may be cut off"


class TlsConnection(Layered):
    """One end of a TLS connection, by OpenSSL on memory buffers. Its calls, such as SSL_read(3), record the clear text.

    name     the host name or address that the server's certificate has to be for; None at the server's end
    seconds  how long the handshake may take
    """

    __slots__ = (
        "_drained",
        "_incoming",
        "_notified",
        "_outgoing",
        "_reading",
        "_seconds",
        "_tls",
        "_writing",
    )

    def __init__(
        self,
        context: EngineContext,
        under: SocketConnection,
        ssl_context: ssl.SSLContext,
        name: str | None = None,
        seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        super().__init__(context, under)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = ssl_context.wrap_bio(self._incoming, self._outgoing, server_side=name is None, server_hostname=name)
        self._seconds = seconds
        self._reading = Lock()
        self._writing = Lock()
        self._drained: deque[bytes] = deque()
        self._notified = False

    @property
    def taken(self) -> int:
        return (self.socket.above or {}).get(Function.SSL_WRITE, 0)

    async def handshake(self) -> None:
        """The TLS handshake. A send() of another task waits until it is done.

        Raises OSError; SocketError with EPROTO, and its reason in words, where TLS failed or took too long.
        """
        await self._writing.acquire()
        try:
            await self.under.handshake()
            async with asyncio.timeout(self._seconds):
                await self._shake_hands()
        except TimeoutError:
            raise self._failed(
                Function.SSL_DO_HANDSHAKE, now(), f"no TLS handshake within {self._seconds:g} s"
            ) from None
        finally:
            self._writing.release()

    async def recv(self) -> bytes | None:
        """Return the next bytes of clear text; None at the peer's close_notify. A FIN without one raises EPROTO."""
        while True:
            began = now()
            try:
                data = self._drained.popleft() if self._drained else self._tls.read(self.buffer)
            except ssl.SSLWantReadError:
                await self._answer()
                await self._feed(Function.SSL_READ)
                continue
            except ssl.SSLZeroReturnError:
                data = b""  # as read() says it once our own close_notify was sent
            except ssl.SSLError as error:
                _if_possible(self._answer())
                raise self._failed(Function.SSL_READ, began, errors.why(error, self._tls)) from None
            if data:
                try:
                    await self._record(Function.SSL_READ, began, data, size=self.buffer)
                except asyncio.CancelledError:
                    self._drained.appendleft(data)
                    raise
                return data
            self._context.journal.append_call(self.traced.entry, Function.SSL_READ, began, now(), 0, size=self.buffer)
            return None

    async def send(self, data: bytes | memoryview, kind: str = "") -> None:
        async with self._writing:
            for at in range(0, len(data), RECORD_SIZE):
                await self._write(data[at : at + RECORD_SIZE])

    async def drain(self) -> None:
        async with self._writing:
            pass
        await self.under.drain()

    async def shutdown(self) -> None:
        """Send close_notify and a FIN (RFC 8446, section 6.1: the one before the other); receiving goes on."""
        async with self._writing:
            self._drain()
            self._notify()
            await self._flush()
            await self.under.shutdown()

    async def closing_handshake(self) -> None:
        """Send close_notify; give up after CLOSING_SECONDS where the peer does not receive."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._part()
        except TimeoutError:
            pass  # the peer does not read

    def close(self) -> None:
        """Close, and send close_notify where that can be sent without waiting."""
        if self.traced.fd >= 0:
            _if_possible(self._part())
        self.under.close()

    # The handshake

    async def _shake_hands(self) -> None:
        said = heard = b""
        while True:
            began = now()
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                _if_possible(self._flush())
                reason = errors.no_tls(heard, said) or errors.why(error, self._tls)
                raise self._failed(Function.SSL_DO_HANDSHAKE, began, reason, errors.code(error)) from None
            else:
                self._record_event(Function.SSL_DO_HANDSHAKE, began, 1, answer=self._agreed())
                await self._flush()
                return
            messages = self._outgoing.read()
            said = said or messages
            try:
                await self._send_wire(messages)
                wire = await self.under.recv()
            except ClosedHereError:
                raise
            except OSError as error:
                self._record_event(Function.SSL_DO_HANDSHAKE, began, -1, answer=error.strerror)
                raise
            if wire is None:
                raise self._failed(Function.SSL_DO_HANDSHAKE, began, "the peer closed within the TLS handshake")
            heard = heard or wire[:_FIRST]
            self._incoming.write(wire)

    def _agreed(self) -> list[str | int]:
        """What the handshake came to: the version, the cipher, and the subject of the peer's certificate."""
        cipher = self._tls.cipher()
        subject = errors.subject(errors.peer_certificate(self._tls))
        return [self._tls.version() or "", cipher[0] if cipher else "", subject]

    # The wire

    async def _feed(self, name: Function) -> None:
        """Receive from the wire once, or wait until another task has. `name` is what fails at a FIN. Raises OSError."""
        busy = self._reading.locked
        async with self._reading:
            if busy:
                return
            wire = await self.under.recv()
            if wire is None:
                raise self._failed(name, now(), _CUT)
            self._incoming.write(wire)

    async def _flush(self) -> None:
        """Send what OpenSSL has written, by whoever has the turn to write."""
        while self._unsent or self._outgoing.pending:
            await self._send_wire(self._outgoing.read())

    async def _answer(self) -> None:
        """Send what the peer's own messages call for. Whoever writes already sends it along.

        Waiting for that would stop the reading, perhaps for good: the peer may wait for just that.
        """
        waiting = self._outgoing.pending
        if waiting > ANSWERS_MAX or (waiting and not self._writing.locked):
            async with self._writing:
                await self._flush()

    async def _write(self, piece: bytes | memoryview) -> None:
        """Send a record."""
        while True:
            space = await self._context.space(len(piece) + DETAILS_ROOM)
            if self.closed:
                raise ClosedHereError
            if self._notified:
                raise OSError(errnos.EPIPE, os.strerror(errnos.EPIPE))
            began = now()
            try:
                self._tls.write(piece)
                break
            except ssl.SSLWantReadError:  # TLS 1.2: the peer wants another handshake first
                await self._flush()
                await self._feed(Function.SSL_WRITE)
            except ssl.SSLError as error:
                raise self._failed(Function.SSL_WRITE, began, errors.why(error, self._tls)) from None
        self._record_at(space, Function.SSL_WRITE, began, now(), piece)
        await self._flush()

    # The end

    async def _part(self) -> None:
        """Send close_notify, unless the connection has failed or never began."""
        if self._tls.version() is None or self.socket.end not in (End.OPEN, End.PEER_FIN):
            return
        async with self._writing:
            self._notify()
            await self._flush()

    def _notify(self) -> None:
        """Write close_notify, once (SSL_shutdown(3): 1 where the peer's has come, 0 where it has not)."""
        if self._notified:
            return
        self._notified = True
        began = now()
        result = 1
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            result = 0
        self._record_event(Function.SSL_SHUTDOWN, began, result)

    def _drain(self) -> None:
        """Read what has come: unwrap() looks for the peer's close_notify, and throws away what stands before it."""
        try:
            while data := self._tls.read(self.buffer):
                self._drained.append(data)
        except ssl.SSLError:
            pass  # no more has come; or what is wrong is told by the next recv()

    def _failed(self, name: Function, began: int, reason: str, code: ErrorCode = ErrorCode.PROTOCOL) -> SocketError:
        """Record that a call of OpenSSL failed, `reason` being why in words; what is to be raised."""
        self._record_event(name, began, -1, answer=reason)
        return SocketError(code, errnos.EPROTO, reason=reason)


async def listen(
    context: EngineContext, endpoint: Endpoint, service: str, backlog: int, accepted: Accepted
) -> Listener:
    """Listen for TCP connections that speak TLS. Raises OSError, SocketError, socket.gaierror."""
    ssl_context = await asyncio.to_thread(contexts.serving, endpoint)

    def arrived(under: SocketConnection) -> None:
        accepted(TlsConnection(context, under, ssl_context))

    listener = await tcp.listen(context, endpoint, service, backlog, arrived)
    if not endpoint.option("cert"):
        listener.note = _note(endpoint, listener.socket.local)
    return listener


async def connect(context: EngineContext, endpoint: Endpoint, seconds: float) -> TlsConnection:
    """Connect by TCP for TLS; the handshake is still to be done. Raises OSError as tcp.connect() does, SocketError."""
    ssl_context, name = await asyncio.to_thread(contexts.asking, endpoint)
    under = await tcp.connect(context, endpoint, seconds)
    if ssl_context.verify_mode is ssl.CERT_NONE:
        context.journal.describe(under.traced.entry, insecure=True)
    return TlsConnection(context, under, ssl_context, name, seconds)


def _if_possible(coroutine: Coroutine[Any, Any, None]) -> None:
    """Say what is to be said, such as an alert, to a peer that may not listen any more, as far as it goes at once."""
    try:
        at_once(coroutine)
    except OSError:
        pass


def _note(endpoint: Endpoint, local: str) -> str:
    """How clients come to trust the certificate that was made for a listener."""
    address = endpoint.address
    if address is not None and address.is_unspecified:
        local = f"localhost:{local.rpartition(':')[2]}"
    path = authority.folder() / authority.CERTIFICATE
    return f"the certificate is signed by {path}: curl --cacert {shlex.quote(str(path))} https://{local}/"
