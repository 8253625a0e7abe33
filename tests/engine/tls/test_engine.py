"""tls:// through the engine, with peers that keep every byte of the wire in hand."""

import asyncio
import hashlib
import os
import socket as sockets
import ssl
import threading
from pathlib import Path

import pytest

from socktui.control.client import Engine
from socktui.control.messages import VerbError
from socktui.control.verbs import Close, Listen, Reset, SendFile, Shutdown, Stop
from socktui.core.call import Function, Layer
from socktui.core.endpoint import Endpoint
from socktui.core.sockets import End
from tests.engine.test_stream import reset
from tests.engine.tls.certificates import Certificates
from tests.engine.tls.engine import HELLO, TLS, calls_of, over, own_ca
from tests.engine.tls.peer import TlsPeer, plain_server, tls_peer, trusting
from tests.support import (
    all_sockets,
    carried,
    listening,
    peer,
    read_all,
    resident_mib,
    until,
)


async def test_clear_text_and_wire_are_both_in_the_capture(engine: Engine) -> None:
    port = await listening(engine, TLS)

    def talk() -> None:
        with tls_peer(port, own_ca()) as end:
            end.send(HELLO)
            assert end.read_exactly(len(HELLO)) == HELLO
            end.notify()
            assert end.recv() == b""

    await asyncio.to_thread(talk)
    await over(engine, 1)
    assert carried(engine.capture, 2, "SSL_read") == carried(engine.capture, 2, "SSL_write") == HELLO
    for wire in (carried(engine.capture, 2, "recv"), carried(engine.capture, 2, "send")):
        assert wire[0] == 22  # handshake (RFC 8446, section 5.1)
        assert b"Hello" not in wire
    [shaken] = calls_of(engine, 2, Function.SSL_DO_HANDSHAKE)
    assert (shaken.result, shaken.answer) == (1, ["TLSv1.3", "TLS_AES_256_GCM_SHA384", ""])
    calls = calls_of(engine, 2, *Function)
    assert {call.under for call in calls if call.layer is Layer.WIRE} == {True}
    assert {call.under for call in calls if call.layer is Layer.TLS} == {False}
    assert [call.name for call in calls[-5:]] == [
        Function.RECV,
        Function.SSL_READ,
        Function.SSL_SHUTDOWN,
        Function.SEND,
        Function.CLOSE,
    ]
    assert calls[-4].eof
    assert [call.time for call in calls] == sorted(call.time for call in calls)
    listener, connection = all_sockets(engine.capture)
    assert (listener.scheme, connection.scheme) == ("tls", "tls")
    assert not connection.insecure


async def test_whoever_listens_is_told_how_the_certificate_is_trusted(
    engine: Engine, certificates: Certificates
) -> None:
    answer = await engine.request(Listen(Endpoint.parse(TLS), service="echo"))
    local = all_sockets(engine.capture)[0].local
    assert answer.note == f"the certificate is signed by {own_ca()}: curl --cacert {own_ca()} https://{local}/"
    answer = await engine.request(Listen(Endpoint.parse("tls://0.0.0.0:0"), service="echo"))
    assert f" https://localhost:{all_sockets(engine.capture)[1].local.rpartition(':')[2]}/" in answer.note
    answer = await engine.request(Listen(Endpoint.parse(f"{TLS}?cert={certificates.good()}"), service="echo"))
    assert answer.note == ""


async def test_two_of_ours_trust_each_other(engine: Engine) -> None:
    port = await listening(engine, TLS)
    number = await engine.connect(Endpoint.parse(f"tls://localhost:{port}"))
    await engine.send([number], HELLO)
    await until(lambda: carried(engine.capture, number, "SSL_read") == HELLO)
    [shaken] = calls_of(engine, number, Function.SSL_DO_HANDSHAKE)
    assert isinstance(shaken.answer, list)
    assert "O=socktui, OU=listener on " in str(shaken.answer[2])
    await engine.request(Shutdown(number))
    [said] = await until(lambda: calls_of(engine, number, Function.SSL_SHUTDOWN))
    assert said.result == 0
    await over(engine, 2)  # both have said close_notify, and both a FIN
    assert calls_of(engine, number, Function.SSL_READ)[-1].eof
    assert not all_sockets(engine.capture)[number - 1].insecure


@pytest.mark.parametrize("buffer", [65536, 1 << 20])
async def test_twenty_megabytes_each_way(engine: Engine, buffer: int) -> None:
    port = await listening(engine, TLS, buffer=buffer)
    before = resident_mib(engine.pid)
    data = os.urandom(20 << 20)
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=trusting(own_ca()), server_hostname="localhost"
    )
    answer = asyncio.create_task(reader.readexactly(len(data)))
    for at in range(0, len(data), 1 << 18):
        writer.write(data[at : at + (1 << 18)])
        await writer.drain()
    wanted = hashlib.sha256(data).digest()
    assert hashlib.sha256(await answer).digest() == wanted
    writer.close()
    await writer.wait_closed()
    await over(engine, 1)
    assert resident_mib(engine.pid) - before < 60  # the ring of the capture's heap is 32 of them
    assert hashlib.sha256(carried(engine.capture, 2, "SSL_read")).digest() == wanted
    assert hashlib.sha256(carried(engine.capture, 2, "SSL_write")).digest() == wanted


async def test_the_buffer_of_the_lecture(engine: Engine) -> None:
    port = await listening(engine, TLS, buffer=20)

    def talk() -> None:
        with tls_peer(port, own_ca()) as end:
            end.send(HELLO)
            assert end.read_exactly(len(HELLO)) == HELLO

    await asyncio.to_thread(talk)
    reads = calls_of(engine, 2, Function.SSL_READ)
    assert [(call.size, call.result) for call in reads[:3]] == [(20, 20), (20, 20), (20, 2)]


async def test_a_half_close_cuts_nothing_off(engine: Engine) -> None:
    """The peer says close_notify before it has read anything, and gets all of it back."""
    port = await listening(engine, TLS)
    data = os.urandom(1 << 20)

    def talk() -> bytes:
        with tls_peer(port, own_ca()) as end:
            end.tls.write(data)
            end.write_notify()
            sender = threading.Thread(target=end.sock.sendall, args=(end.outgoing.read(),))
            sender.start()
            answer = end.read_all()
            sender.join()
            return answer

    assert await asyncio.to_thread(talk) == data


async def test_we_receive_after_our_close_notify(engine: Engine, certificates: Certificates) -> None:
    told = threading.Event()
    with plain_server() as (accept, port):

        def talk() -> tuple[bytes, bytes]:
            with accept() as sock:
                end = TlsPeer(sock, certificates.server(certificates.good()))
                end.shake_hands()
                first, ended = end.recv(), end.recv()
                told.wait()
                for _ in range(100):
                    end.send(HELLO)
                end.notify()
                return first, ended

        talking = asyncio.create_task(asyncio.to_thread(talk))
        number = await engine.connect(Endpoint.parse(f"tls://127.0.0.1:{port}?ca={certificates.ca}"))
        await engine.send([number], b"that is all")
        await engine.request(Shutdown(number))
        with pytest.raises(VerbError, match="EPIPE"):
            await engine.send([number], b"more")
        told.set()
        assert await talking == (b"that is all", b"")
        await over(engine, 1)
    assert carried(engine.capture, number, "SSL_read") == HELLO * 100
    assert all_sockets(engine.capture)[0].end is not End.FAILED


async def test_a_fin_without_close_notify_is_told_apart(engine: Engine) -> None:
    port = await listening(engine, TLS)

    def talk() -> None:
        with tls_peer(port, own_ca()) as end:
            end.send(HELLO)
            end.read_exactly(len(HELLO))
            end.sock.shutdown(sockets.SHUT_WR)
            with pytest.raises(EOFError):  # the connection has failed: there is no close_notify from here either
                end.recv()

    await asyncio.to_thread(talk)
    await over(engine, 1)
    last = calls_of(engine, 2, Function.SSL_READ)[-1]
    assert (last.result, last.answer) == (-1, "the peer closed without close_notify: what it sent may be cut off")
    connection = all_sockets(engine.capture)[1]
    assert (connection.end, connection.why) == (End.FAILED, last.answer)


async def test_pieces_of_one_byte(engine: Engine) -> None:
    port = await listening(engine, TLS)

    def talk() -> None:
        with tls_peer(port, own_ca(), piece=1) as end:
            end.send(HELLO)
            assert end.read_exactly(len(HELLO)) == HELLO
            end.notify()
            assert end.recv() == b""

    await asyncio.to_thread(talk)
    await over(engine, 1)
    assert carried(engine.capture, 2, "SSL_read") == HELLO
    assert {call.result for call in calls_of(engine, 2, Function.SSL_READ)} == {len(HELLO), 0}


async def test_a_bad_record_is_told_to_the_peer_and_in_words(engine: Engine) -> None:
    port = await listening(engine, TLS)

    def talk() -> None:
        with tls_peer(port, own_ca()) as end:
            end.sock.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
                end.recv()

    await asyncio.to_thread(talk)
    await over(engine, 1)
    assert all_sockets(engine.capture)[1].why == "TLS failed: decryption failed or bad record mac"


async def test_what_is_no_handshake_takes_the_server_down_no_bit(engine: Engine) -> None:
    port = await listening(engine, TLS)
    with peer(port) as plain:
        plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
        await asyncio.to_thread(read_all, plain)
    await over(engine, 1)
    with peer(port) as gone:
        await until(lambda: len(all_sockets(engine.capture)) == 3)
        reset(gone)
    await over(engine, 2)
    with peer(port):
        pass
    await over(engine, 3)
    with peer(port) as rubbish:
        rubbish.sendall(b"\x16\x03\x01\x00\x05" + b"\xff" * 5)
        await asyncio.to_thread(read_all, rubbish)
    await over(engine, 4)
    said = [calls_of(engine, number, Function.SSL_DO_HANDSHAKE) for number in (2, 3, 4, 5)]
    assert [(call.result, call.answer) for [call] in said] == [
        (-1, r"the peer does not speak TLS: it said 'GET / HTTP/1.0\r\n\r\n'"),
        (-1, "Connection reset by peer"),
        (-1, "the peer closed within the TLS handshake"),
        (-1, "TLS failed: unexpected message"),
    ]
    await asyncio.to_thread(_echoes, port)


def _echoes(port: int) -> None:
    with tls_peer(port, own_ca()) as end:
        end.send(HELLO)
        assert end.read_exactly(len(HELLO)) == HELLO


async def test_two_hundred_handshakes_at_once(engine: Engine) -> None:
    port = await listening(engine, TLS)
    context = trusting(own_ca())

    async def talk() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        writer.write(HELLO)
        assert await reader.readexactly(len(HELLO)) == HELLO
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(talk() for _ in range(200)))
    await over(engine, 200)
    assert {socket.end for socket in all_sockets(engine.capture)[1:]} <= {End.CLOSED, End.PEER_FIN}


async def test_a_close_here_says_close_notify(engine: Engine) -> None:
    port = await listening(engine, TLS, "manual")

    def ends(told: threading.Event) -> bytes:
        with tls_peer(port, own_ca()) as end:
            told.set()
            return end.recv()

    for number, how in ((2, "close"), (3, "end")):
        told = threading.Event()
        ending = asyncio.create_task(asyncio.to_thread(ends, told))
        await asyncio.to_thread(told.wait)
        await until(lambda number=number: calls_of(engine, number, Function.SSL_DO_HANDSHAKE))  # type: ignore[misc]
        if how == "close":
            await engine.request(Close(number))
        else:
            await engine.end()
        assert await ending == b""
        assert [call.result for call in calls_of(engine, number, Function.SSL_SHUTDOWN)] == [0]


async def test_a_reset_says_nothing(engine: Engine) -> None:
    port = await listening(engine, TLS, "manual")

    def ends(told: threading.Event) -> None:
        with tls_peer(port, own_ca()) as end:
            told.set()
            with pytest.raises(ConnectionResetError):
                end.recv()

    told = threading.Event()
    ending = asyncio.create_task(asyncio.to_thread(ends, told))
    await asyncio.to_thread(told.wait)
    await until(lambda: calls_of(engine, 2, Function.SSL_DO_HANDSHAKE))
    await engine.request(Reset(2))
    await ending
    assert not calls_of(engine, 2, Function.SSL_SHUTDOWN)


async def test_a_stopped_send_leaves_whole_records(engine: Engine, tmp_path: Path) -> None:
    """What was typed is given up where the peer does not read; the record that was begun is ended before the next."""
    big = tmp_path / "big"
    big.touch()
    os.truncate(big, 64 << 20)
    port = await listening(engine, TLS, "manual")
    with peer(port) as sock:
        end = TlsPeer(sock, trusting(own_ca()), "localhost")
        await asyncio.to_thread(end.shake_hands)
        await until(lambda: calls_of(engine, 2, Function.SSL_DO_HANDSHAKE))
        number, typing = engine.begin(SendFile((2,), str(big)))
        await until(lambda: any(0 <= call.result < call.size for call in calls_of(engine, 2, Function.SEND)))
        await engine.request(Stop(number))
        with pytest.raises(VerbError, match="stopped"):
            await typing

        def read_to(mark: bytes) -> bytes:
            found = b""
            while not found.endswith(mark):
                found = found[-len(mark) :] + end.recv()
            return found

        reading = asyncio.create_task(asyncio.to_thread(read_to, b"the next"))
        await engine.send([2], b"the next")
        await reading
