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
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench.captures import reading
from tests.bench.crowd import crowd
from tests.bench.echo import bulk, many
from tests.bench.growth import growth, memory
from tests.bench.latency import latency
from tests.bench.load import Load
from tests.bench.paint import paint
from tests.bench.plan import GIB, QUICK, Plan
from tests.bench.race import race
from tests.bench.screen import keys, opening
from tests.bench.servers import descendants
from tests.bench.starting import starting
from tests.bench.targets import Section, Target, targets_table

WHAT_IT_SAYS = (
    "Ratios of ours to what is named after the stroke, each pair measured one after the other: the median, the least, "
    "the most, and how many pairs."
)

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, and nothing written")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="the sections whose title has it, and nothing written"
    )
    args = parser.parse_args()
    for number in ENDINGS:
        signal.signal(number, _interrupt)
    plan = QUICK if args.quick else Plan()
    try:
        with tempfile.TemporaryDirectory(prefix="socktui-bench-") as folder, _nothing_running():
            text = measure(plan, Path(folder), args.only)
    except KeyboardInterrupt:
        print("interrupted: what was started has been ended, nothing is left behind", file=sys.stderr)
        sys.exit(130)
    except (RuntimeError, OSError, AssertionError) as error:
        sys.exit(f"the run is broken: {error}")
    if not (args.quick or args.only):
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written to {os.path.relpath(RESULTS)}")


def measure(plan: Plan, folder: Path, only: str) -> str:
    """All sections, each printed as soon as it is there."""
    need = max(2 * plan.bulk, plan.flow[1], plan.little[0] * 100) + GIB
    if shutil.disk_usage(folder).free < need:
        sys.exit(f"{folder} has less than {need / GIB:.0f} GiB free, which the captures need: set TMPDIR")
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
        "Opening it on the screen": lambda: opening(plan, capture),
        "Start": lambda: starting(plan, folder),
        "A paint of the byte log": lambda: paint(plan, folder),
        "Latency with a screen": lambda: latency(plan, load, folder),
        "From a key to its cell": lambda: keys(plan, load, folder),
    }
    top, parts = head(), list[str]()
    targets: list[Target] = []
    print(top, flush=True)
    for title, section in sections.items():
        if only.lower() not in title.lower():
            continue
        began = time.monotonic()
        found = section()
        targets += found.targets
        parts.append(f"## {title}\n\n{found.text}")
        print(f"\n{parts[-1]}\n\n({time.monotonic() - began:.0f} s)", flush=True)
    goals = f"## Targets\n\n{WHAT_IT_SAYS}\n\n{targets_table(targets)}"
    print(f"\n{goals}", flush=True)
    return "\n\n".join([top, goals, *parts]) + "\n"


def head() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    facts = {
        "date": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "textual": version("textual"),
        "beside it": ", ".join(others()),
        "load before": f"{os.getloadavg()[0]:.1f}",
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


@contextmanager
def _nothing_running() -> Iterator[None]:
    """Sections end what they started; an interrupt in the moment of a start leaves its process to this."""
    try:
        yield
    finally:
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _interrupt(*_: object) -> None:
    """Once: nothing interrupts the tidying up."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
