"""The figures: `python -m tests.bench`, or `--quick` for small sizes. Only a run that breaks fails; a time never does.

Everything is made in a temporary folder, and is gone afterwards however the run ends: so are all processes.
"""

import argparse
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from socktui.journal.reader import CaptureError
from tests.bench.captures import reading
from tests.bench.crowd import crowd
from tests.bench.echo import bulk, many
from tests.bench.flow import memory
from tests.bench.growth import growth
from tests.bench.latency import latency
from tests.bench.load import Load
from tests.bench.paint import paint
from tests.bench.plan import GIB, QUICK, Plan
from tests.bench.race import race
from tests.bench.room import NoRoom
from tests.bench.screen import keys, opening
from tests.bench.searching import searching
from tests.bench.servers import compiled
from tests.bench.starting import starting
from tests.bench.targets import Section, Target, targets_table, verdicts
from tests.bench.tidy import tidy

WHAT_IT_SAYS = (
    "A ratio is what stands before the stroke over what stands after it; each pair was measured one after the other. "
    "What is told is the median, and in brackets the least, the most, and of how many."
)

RESULTS = Path(__file__).with_name("RESULTS.md")

BROKEN = (RuntimeError, OSError, AssertionError, subprocess.SubprocessError, CaptureError)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, and nothing written")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="the sections whose title has it, and nothing written"
    )
    args = parser.parse_args()
    plan = QUICK if args.quick else Plan()
    try:
        with tidy() as folder:
            text = measure(plan, folder, args.only)
    except KeyboardInterrupt as signalled:
        print("interrupted: what was started has been ended, nothing is left behind", file=sys.stderr)
        sys.exit(128 + (signalled.args or (signal.SIGINT,))[0])
    except BROKEN as error:
        sys.exit(f"the run is broken: {error}")
    if not (args.quick or args.only):
        RESULTS.write_text(text, encoding="utf-8")
        tell(f"written to {os.path.relpath(RESULTS)}")


def measure(plan: Plan, folder: Path, only: str) -> str:
    """All sections, each printed as soon as it is there."""
    load = Load(folder)
    capture = folder / "calls.socktui"
    sections: dict[str, Callable[[], Section]] = {
        "Beside other echo servers": lambda: race(plan, load, folder),
        "One connection, every byte": lambda: bulk(plan, load, folder),
        "Many connections, few descriptors": lambda: many(plan, load, folder),
        "Connections held": lambda: crowd(plan, load, folder),
        "Memory as bytes flow": lambda: memory(plan, load, folder),
        "Cost as work grows": lambda: growth(plan, load, folder),
        "Reading a capture": lambda: reading(plan, capture),
        "Finding bytes in a capture": lambda: searching(plan, folder),
        "Opening it on the screen": lambda: opening(plan, capture),
        "Start": lambda: starting(plan, folder),
        "A paint of the byte log": lambda: paint(plan, folder),
        "Latency with a screen": lambda: latency(plan, load, folder),
        "From a key to its cell": lambda: keys(plan, load, folder),
    }
    chosen = [title for title in sections if only.lower() in title.lower()]
    if not chosen:
        print(f"no section has {only!r} in its title; the sections are: {'; '.join(sections)}", file=sys.stderr)
        sys.exit(2)
    top, parts = head(), list[str]()
    targets: list[Target] = []
    tell(top)
    for title in chosen:
        began = time.monotonic()
        found = one(sections[title])
        targets += found.targets
        parts.append(f"## {title}\n\n`python -m tests.bench --only {word(title, sections)}`\n\n{found.text}")
        tell(f"\n{parts[-1]}\n\n({time.monotonic() - began:.0f} s)")
    goals = f"## Targets\n\n{WHAT_IT_SAYS}\n\n{verdicts(targets)}\n\n{targets_table(targets)}"
    tell(f"\n{goals}")
    return "\n\n".join([top, goals, *parts]) + "\n"


def one(section: Callable[[], Section]) -> Section:
    """What a section found; where it has no room, that in its place."""
    try:
        return section()
    except NoRoom as error:
        return Section(f"Left out: {error}.")


def word(title: str, titles: Iterable[str]) -> str:
    """The first word of a title, or else a word with a quote round it, that no other title has in it."""
    for each in title.split():
        if sum(each.strip(",").lower() in other.lower() for other in titles) == 1:
            return each.strip(",").lower()
    return repr(title)


def tell(text: str) -> None:
    """Print it. Where nobody reads on, as behind `head`, the run ends without another word."""
    try:
        print(text, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes in the end
        gone = isinstance(error, BrokenPipeError)
        sys.exit(128 + signal.SIGPIPE if gone else f"standard output takes nothing: {error.strerror}")


def head() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    facts = {
        "date": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}",
        "inner loop": "compiled" if compiled() else "pure Python",
        "Python": platform.python_version(),
        "textual": version("textual"),
        "compared with": ", ".join(others()),
        "load of the machine before": f"{os.getloadavg()[0]:.1f}",
    }
    return "# Figures\n\nMade by `make bench`.\n\n" + "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def others() -> Iterator[str]:
    """The versions of what is measured beside it, where it is there."""
    with suppress(PackageNotFoundError):
        yield f"uvloop {version('uvloop')}"
    for name, argument, pattern in (
        ("socat", "-V", r"socat version (\S+)"),
        ("ncat", "--version", r"Version (\S+)"),
        ("gcc", "--version", r"([\d.]+)$"),
    ):
        if path := shutil.which(name):
            said = subprocess.run([path, argument], capture_output=True, text=True)
            found = re.search(pattern, said.stdout + said.stderr, re.MULTILINE)
            yield f"{name} {found[1] if found else ''}"


def commit() -> str:
    """What was measured; with a plus where files differ from it."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
