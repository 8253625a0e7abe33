"""The peers of the npm registry, installed once into a cache folder, as the lock file says."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.peers.programs import path_of

_HERE = Path(__file__).with_name("npm")
_DESCRIPTION = ("package.json", "package-lock.json")
_SECONDS = 300


def installed(cache: Path) -> Path:
    """A folder with the programs and the packages that they need; made by whoever comes first."""
    version = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in _DESCRIPTION)).hexdigest()[:16]
    folder = cache / f"npm-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            _install(folder)
            (folder / "ready").touch()
        for program in _HERE.glob("*.mjs"):
            _copy(program, folder / program.name)
    return folder


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "socktui-tests"


def _install(folder: Path) -> None:
    for name in _DESCRIPTION:
        shutil.copy(_HERE / name, folder)
    command = [path_of("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        pytest.fail(f"`npm ci` in tests/peers/npm failed:\n{done.stderr}", pytrace=False)


def _copy(program: Path, to: Path) -> None:
    """Anew only where it differs: another run may be reading it."""
    if not to.exists() or to.read_bytes() != program.read_bytes():
        part = to.with_suffix(f".{os.getpid()}")
        shutil.copy(program, part)
        part.replace(to)
