"""The figures: `python -m tests.bench`, or `--quick` for small sizes. Only a run that breaks fails; a time never does.

Everything is made in a temporary folder, and is gone afterwards however the run ends: so are all processes.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from tests.bench.captures import reading
from tests.bench.echo import bulk, many
from tests.bench.load import Load
from tests.bench.plan import GIB, QUICK, Plan
from tests.bench.race import race
from tests.bench.screen import keys, opening

RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, and nothing written")
    parser.add_argument(
        "--only", metavar="WORD", default="", help="the sections whose title has it, and nothing written"
    )
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    plan = QUICK if args.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="socktui-bench-") as folder:
        text = measure(plan, Path(folder), args.only)
    if not (args.quick or args.only):
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written to {os.path.relpath(RESULTS)}")


def measure(plan: Plan, folder: Path, only: str) -> str:
    """All sections, each printed as soon as it is there."""
    need = 2 * plan.bulk + GIB
    if shutil.disk_usage(folder).free < need:
        sys.exit(f"{folder} has less than {need / GIB:.0f} GiB free, which the captures need: set TMPDIR")
    load = Load(folder)
    capture = folder / "calls.socktui"
    sections: dict[str, Callable[[], str]] = {
        "One connection, every byte": lambda: bulk(plan, load, folder),
        "Many connections, few descriptors": lambda: many(plan, load, folder),
        "Reading a capture": lambda: reading(plan, capture),
        "Opening it on the screen": lambda: opening(plan, capture),
        "From a key to its cell": lambda: keys(plan, load, folder),
        "Beside other echo servers": lambda: race(plan, load, folder),
    }
    parts = [head()]
    print(parts[0], flush=True)
    for title, section in sections.items():
        if only.lower() not in title.lower():
            continue
        began = time.monotonic()
        parts.append(f"## {title}\n\n{section()}")
        print(f"\n{parts[-1]}\n\n({time.monotonic() - began:.0f} s)", flush=True)
    return "\n\n".join(parts) + "\n"


def head() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    facts = {
        "date": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "textual": version("textual"),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }
    return "# Figures\n\nMade by `make bench`.\n\n" + "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


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


def _end(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
