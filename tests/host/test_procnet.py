"""The tables of /proc/net, as text."""

from __future__ import annotations

import socket as sockets
import struct
from pathlib import Path

import pytest

from socktui.host import procnet
from socktui.host.rows import Row

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref\n"


def word(host: str, family: int = sockets.AF_INET) -> str:
    packed = sockets.inet_pton(family, host)
    return "".join(f"{number:08X}" for number in struct.unpack(f"={len(packed) // 4}I", packed))


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands in which table; others cannot be read."""
    texts: dict[str, str] = {}

    def read(path: Path, *_: object) -> str:
        if path.name not in texts:
            raise FileNotFoundError(2, "No such file or directory")
        return HEAD + texts[path.name]

    monkeypatch.setattr(Path, "read_text", read)
    return texts


def line(local: str, peer: str, state: str = "07", queues: str = "00000000:00000000", inode: int = 42) -> str:
    return f"  255: {local}:00FF {peer}:0000 {state} {queues} 00:00000000 00000000     0        0 {inode} 2 0000 0\n"


def test_both_families_are_one_table(tables: dict[str, str]) -> None:
    tables["raw"] = line(word("127.0.0.1"), word("0.0.0.0"), queues="00000010:00000300")
    tables["raw6"] = line(word("::1", sockets.AF_INET6), word("::", sockets.AF_INET6), "01", inode=43)
    assert list(procnet.rows("raw")) == [
        Row("UNCONN", ("127.0.0.1", 255), ("0.0.0.0", 0), 0x300, 0x10, 42, "raw"),
        Row("ESTAB", ("::1", 255), ("::", 0), 0, 0, 43, "raw"),
    ]


def test_a_table_that_is_not_there_is_empty(tables: dict[str, str]) -> None:
    assert list(procnet.rows("icmp")) == []
    tables["icmp6"] = line(word("::1", sockets.AF_INET6), word("::", sockets.AF_INET6))
    assert [row.netid for row in procnet.rows("icmp")] == ["icmp"]


def test_this_machines_tables_can_be_read() -> None:
    assert all(row.netid == "raw" for row in procnet.rows("raw"))
