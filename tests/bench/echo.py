"""One big echo, many connections, and too few descriptors for them."""

import hashlib
import os
import random
import resource
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from socktui.core.call import Function
from socktui.journal.reader import Reader
from tests.bench import servers
from tests.bench.load import Load, told
from tests.bench.peers import missing
from tests.bench.plan import GIB, MIB, Plan, ms, table
from tests.bench.room import room
from tests.bench.servers import Server
from tests.bench.targets import Section
from tests.support import resident_mib

FILES = 64
CLIENTS = 200


def bulk(plan: Plan, load: Load, folder: Path) -> Section:
    """Bytes through one connection: what was sent, what came back, and what the capture holds are the same."""
    room(folder, plan.bulk)
    rows = []
    for name, client in {"load.c": _bulk_by_load, "ncat": _bulk_by_ncat}.items():
        if name == "ncat" and not shutil.which("ncat"):
            missing("ncat", "apt-get install ncat")
            continue
        capture = folder / f"bulk-{name}"
        with servers.ours(capture) as server:
            began = time.monotonic()
            sent, back = client(plan, load, server)
            seconds = time.monotonic() - began
            most = ", ".join(f"{resident_mib(pid, 'VmHWM'):.0f}" for pid in server.pids)
        with Reader(capture) as reader:
            hashes = {
                "sent": sent,
                "back": back,
                "recv": _hash(reader, Function.RECV),
                "send": _hash(reader, Function.SEND),
            }
            whole = reader.health.whole and reader.closed_in_order
        if len(set(hashes.values())) != 1 or not whole:
            raise RuntimeError(f"{name}: not the same bytes: {hashes}, capture whole: {whole}")
        rows.append([name, f"{plan.bulk / GIB:g} GiB", f"{sent[:16]}…", "yes", f"{seconds:.1f} s", most])
        shutil.rmtree(capture)
    head = [
        "client",
        "bytes",
        "sha256",
        "the same at all four",
        "took, with the hashing",
        "most MiB resident (parent, engine)",
    ]
    return Section(
        "SHA-256 of what the client sent, of what it got back, and of what `recv` and `send` in the capture hold. "
        "The sender's FIN goes out before the echo is back.\n\n" + table(head, rows)
    )


def _bulk_by_load(plan: Plan, load: Load, server: Server) -> tuple[str, str]:
    result = load.run("bulk", server.port, plan.bulk, "hash", "half")
    return result["sha_sent"], result["sha_received"]


def _bulk_by_ncat(plan: Plan, _: Load, server: Server) -> tuple[str, str]:
    """A program that nobody here wrote, between two pipes."""
    with ExitStack() as stack:
        ends = [stack.enter_context(closing(end)) for end in socket.socketpair()]
        ncat = subprocess.Popen(["ncat", "127.0.0.1", str(server.port)], stdin=ends[1].fileno(), stdout=subprocess.PIPE)
        stack.callback(ncat.wait)
        stack.callback(ncat.kill)
        assert ncat.stdout is not None
        stack.callback(ncat.stdout.close)
        ends[1].close()
        return _pump(ends[0], ncat.stdout.fileno(), _pieces(plan.bulk))


def _pump(way_in: socket.socket, way_out: int, pieces: Iterator[bytes]) -> tuple[str, str]:
    """Write pieces and read what comes, both without waiting for the other: SHA-256 of each."""
    sent, back, waiting = hashlib.sha256(), hashlib.sha256(), memoryview(b"")
    way_in.setblocking(False)
    with selectors.DefaultSelector() as selector:
        selector.register(way_in, selectors.EVENT_WRITE)
        selector.register(way_out, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is way_in:
                    if not waiting:
                        waiting = memoryview(next(pieces, b""))
                        sent.update(waiting)
                    if not waiting:
                        selector.unregister(way_in)
                        way_in.close()
                        continue
                    waiting = waiting[way_in.send(waiting) :]
                elif data := os.read(way_out, 1 << 20):
                    back.update(data)
                else:
                    return sent.hexdigest(), back.hexdigest()


def _pieces(total: int) -> Iterator[bytes]:
    source = random.Random(5005)
    while total:
        piece = source.randbytes(min(total, MIB))
        total -= len(piece)
        yield piece


def _hash(reader: Reader, name: Function) -> str:
    """Of all bytes that calls of a name moved."""
    digest = hashlib.sha256()
    for seq in range(reader.count):
        call = reader.call(seq)
        if call.name is name and call.length:
            data = reader.data(call)
            if data is None:
                raise RuntimeError(f"call {seq}: its bytes were not kept")
            digest.update(data)
    return digest.hexdigest()


def many(plan: Plan, load: Load, folder: Path) -> Section:
    """Connections at once; and more of them than there are descriptors."""
    with servers.ours(folder / "many") as server:
        before = server.most_mib
        with load.start("hold", server.port, plan.connections, -1) as running:
            answer = told(running)
            cpu = servers.idle(server, 2)
            most = server.most_mib
        memory = f"{before:.0f} → {most:.0f}"
        full = [plan.connections, answer["refused"], answer["echoed"], ms(answer["seconds"]), f"{cpu:.1%}", memory]
    with servers.ours(folder / "few") as server:
        resource.prlimit(server.pids[-1], resource.RLIMIT_NOFILE, (FILES, FILES))
        with load.start("hold", server.port, CLIENTS, -1) as running:
            time.sleep(0.5)
            waiting = servers.idle(server, 3)
            with Reader(folder / "few") as reader:
                at_once = reader.sockets - 1
            assert running.stdin is not None
            running.stdin.close()
            began = time.monotonic()
            answer = told(running)
            took = time.monotonic() - began
    with Reader(folder / "few") as reader:
        calls = map(reader.call, range(reader.count))
        failed = sum(call.name is Function.ACCEPT and call.failed for call in calls)
    few = [at_once, f"{waiting:.1%}", answer["echoed"], answer["refused"], ms(took), failed]
    return Section(
        f"{plan.connections} clients connect at once, send 16 bytes each and stay.\n\n"
        + table(
            [
                "clients",
                "refused",
                "echoed",
                "all echoed after",
                "CPU while they stay",
                "MiB resident, before and then",
            ],
            [full],
        )
        + f"\n\n{CLIENTS} clients come to an engine that may have {FILES} descriptors, and stay for 3.5 s; then each "
        "goes as soon as it has had its echo.\n\n"
        + table(
            [
                "served at once",
                "CPU while none is free",
                "served in all",
                "refused",
                "the last after",
                "EMFILE in the capture",
            ],
            [few],
        )
    )
