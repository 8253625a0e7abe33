"""What people use instead: the other echo servers, with the options they are usually started with."""

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench import native

REFERENCE = Path(__file__).with_name("reference.py")

UVLOOP = "uvloop protocol"
LIMIT = "C epoll"
LIMIT_TO_FILE = "C epoll, to a file"
SOCAT = "socat PIPE"
SOCAT_DUMP = "socat -x -v PIPE"
NCAT = "ncat --exec cat"


@dataclass(frozen=True, slots=True)
class Peer:
    """An echo server.

    command  `{port}` where the port goes
    keeps    what it writes down
    bulk     the part of the bytes that it is given: it may be slow
    trips    the part of the round trips
    """

    command: tuple[str, ...]
    keeps: str = "nothing"
    bulk: float = 1
    trips: float = 1


def uvloop() -> Peer | None:
    """uvloop's echo, or nothing where it is missing, which is said."""
    if not importlib.util.find_spec("uvloop"):
        missing("uvloop", "pip install uvloop")
        return None
    return Peer((sys.executable, str(REFERENCE), "uvloop", "{port}"))


def peers(folder: Path) -> dict[str, Peer]:
    """Those that are there; what is missing is said. What they write goes into `folder`."""
    found = {}
    python = (sys.executable, str(REFERENCE))
    if fast := uvloop():
        found[UVLOOP] = fast
    found["asyncio streams"] = Peer((*python, "streams", "{port}"))
    found["one thread each"] = Peer((*python, "threads", "{port}"))
    limit = str(native.built("limit", folder))
    found[LIMIT] = Peer((limit, "{port}"))
    found[LIMIT_TO_FILE] = Peer((limit, "{port}", str(folder / "kept")), "the bytes")
    listen = "TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=1024,nodelay"
    if socat := shutil.which("socat"):
        found[SOCAT] = Peer((socat, listen, "PIPE"))  # with larger blocks it waits for itself
        found[SOCAT_DUMP] = Peer((socat, "-x", "-v", listen, "PIPE"), "a dump, thrown away", 1 / 256, 1 / 10)
    else:
        missing("socat", "apt-get install socat")
    if ncat := shutil.which("ncat"):
        listening = (ncat, "-l", "-k", "-m", "200", "127.0.0.1", "{port}", "--exec", "/bin/cat")
        found[NCAT] = Peer(listening, bulk=1 / 8)
        found["ncat --hex-dump"] = Peer((*listening, "--hex-dump", str(folder / "kept")), "a dump", 1 / 32, 1 / 4)
    else:
        missing("ncat", "apt-get install ncat")
    return found


def missing(name: str, how: str) -> None:
    """Say it in one line."""
    print(f"{name} is not installed, so nothing is compared with it: {how}", file=sys.stderr)
