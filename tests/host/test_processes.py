"""Which program a process is, and whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from socktui.host import processes
from socktui.host.processes import described, program, user

ME = (os.getpid(), Path("/proc/self/comm").read_text().strip())


def test_who_a_process_is() -> None:
    assert program(os.getpid()) == ME[1]
    assert described(os.getpid(), 0) == f"{ME[1]} (pid {os.getpid()}, root)"
    assert described(0, 0) == "root"
    assert described(1 << 30, 4_000_000) == f"pid {1 << 30}, uid 4000000"
    assert user(4_000_000) == "uid 4000000"


def test_the_names_of_users_are_looked_for_again_where_they_could_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when descriptors have run out."""
    processes._users.cache_clear()
    name = user(os.getuid())
    processes._users.cache_clear()

    def full(*_: object, **__: object) -> str:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", full)
        assert user(os.getuid()) == f"uid {os.getuid()}"
    assert user(os.getuid()) == name
