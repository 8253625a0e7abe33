"""An HTTP server (RFC 9112) by h11: one request and its answer after the other."""

import asyncio
from email.utils import formatdate
from http import HTTPStatus

import h11

from socktui.core.connection import Connection
from socktui.services import httpbin
from socktui.services.httpbin import Answer, Request
from socktui.services.lingering_close import lingering_close

HEAD_MOST = 16384  # a piece more may pass
BODY_MOST = 1 << 20
REQUEST_SECONDS = 30.0
"""The seconds within which a request must be complete, and that a connection is kept without one."""

_PIECE = 1024
_PHRASES = {status.value: status.phrase.encode() for status in HTTPStatus}
_WITHOUT_BODY = (204, 304)


async def http(connection: Connection) -> None:
    """Answer HTTP/1.0 and HTTP/1.1 requests until the peer or an answer ends the connection."""
    conversation = _Conversation(connection)
    while await conversation.exchange():
        pass


class _Refused(Exception):
    """A request that is refused before it is read to its end."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Conversation:
    """The requests and answers of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._protocol = h11.Connection(h11.SERVER, HEAD_MOST)
        self._unread = memoryview(b"")

    async def exchange(self) -> bool:
        """Handle one request. Whether another may follow on this connection."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                request = await self._request()
        except h11.RemoteProtocolError as error:
            return await self._refuse(httpbin.refusal(error.error_status_hint, str(error)))
        except _Refused as refused:
            return await self._refuse(refused.answer)
        except TimeoutError:
            if self._idle:
                return False
            return await self._refuse(httpbin.refusal(408, f"the request took longer than {REQUEST_SECONDS:g} s"))
        if request is None:
            return False
        answer = httpbin.answer(request)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        await self._send(answer, with_body=request.method != "HEAD")
        if self._protocol.our_state is h11.MUST_CLOSE:
            await lingering_close(self._connection)
            return False
        self._protocol.start_next_cycle()
        return True

    @property
    def _idle(self) -> bool:
        """Whether nothing of the next request was received."""
        return self._protocol.their_state is h11.IDLE and not self._protocol.trailing_data[0]

    async def _request(self) -> Request | None:
        """Receive the next request; None after the peer's FIN. Raises _Refused, h11.RemoteProtocolError."""
        head: h11.Request | None = None
        body = bytearray()
        while True:
            match self._protocol.next_event():
                case h11.NEED_DATA:
                    await self._feed()
                case h11.Request() as head:
                    if not head.http_version.startswith(b"1."):
                        raise _Refused(httpbin.refusal(505, "this is HTTP/1.0 and HTTP/1.1"))
                    if int(_header(head, b"content-length") or 0) > BODY_MOST:
                        raise _too_large()
                case h11.Data(data=data):
                    body += data
                    if len(body) > BODY_MOST:
                        raise _too_large()
                case h11.EndOfMessage() if head is not None:
                    return self._whole(head, bytes(body))
                case _:
                    return None

    async def _feed(self) -> None:
        """Give h11 the next bytes, few at a time: it limits the size of a head only while the head is incomplete."""
        if not self._unread:
            if self._protocol.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[], reason=_PHRASES[100])
                await self._connection.send(self._protocol.send(go_on) or b"")
            self._unread = memoryview(await self._connection.recv() or b"")
        self._protocol.receive_data(bytes(self._unread[:_PIECE]))
        self._unread = self._unread[_PIECE:]

    def _whole(self, head: h11.Request, body: bytes) -> Request:
        socket = self._connection.socket
        return Request(
            head.method.decode("ascii"),
            head.target.decode("ascii"),
            tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers),
            body,
            origin=socket.peer.rpartition(":")[0].strip("[]") if socket.netid == "tcp" else "",
            scheme="https" if socket.scheme == "tls" else "http",
        )

    async def _refuse(self, answer: Answer) -> bool:
        """Answer a request that was not read to its end: the connection cannot go on."""
        await self._send(answer, ("Connection", "close"))
        await lingering_close(self._connection)
        return False

    async def _send(self, answer: Answer, *headers: tuple[str, str], with_body: bool = True) -> None:
        fields = [("Server", "socktui"), ("Date", formatdate(usegmt=True)), *answer.headers, *headers]
        if answer.status not in _WITHOUT_BODY:
            fields.append(("Content-Type", answer.content_type))
            if not answer.chunked:
                fields.append(("Content-Length", str(sum(map(len, answer.pieces)))))
        reason = _PHRASES.get(answer.status, b"")
        events: list[h11.Event] = [h11.Response(status_code=answer.status, headers=fields, reason=reason)]
        if with_body:
            events += [h11.Data(data=piece) for piece in answer.pieces]
        events.append(h11.EndOfMessage())
        parts = [self._protocol.send(event) or b"" for event in events]
        for part in parts if answer.chunked else [b"".join(parts)]:
            await self._connection.send(part)


def _header(head: h11.Request, name: bytes) -> bytes:
    return next((value for key, value in head.headers if key == name), b"")


def _too_large() -> _Refused:
    return _Refused(httpbin.refusal(413, f"a body has at most {BODY_MOST} bytes here"))
