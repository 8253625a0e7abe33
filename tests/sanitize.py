"""What is written in C, under AddressSanitizer and UBSan: `python -m tests.sanitize`, or `make sanitize`.

The extensions that pyproject.toml lists are compiled anew, with every warning an error, into a copy of the project in
a temporary folder, and their tests run there. Whatever a sanitizer reports, in the tests' own process or in an engine
that they start, fails the run.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ("test_fastpath*.py",)
"""Files in tests/engine whose tests go through C."""

FLAGS = (
    "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
)  # fmt: skip
COMPILER = os.environ.get("CC", "gcc")

PROBE = """
import importlib, sys
for name in sys.argv[2:]:
    file = importlib.import_module(name).__file__
    assert file.startswith(sys.argv[1]), file
    assert b"__asan_report_store" in open(file, "rb").read(), f"{file} is not instrumented"
assert "libasan" in open("/proc/self/maps").read()
"""
"""Fails where the extensions that are imported are not those that were compiled here."""


def extensions() -> list[tuple[str, list[str]]]:
    """Name and sources of each extension, as pyproject.toml has them."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        setuptools = tomllib.load(file)["tool"]["setuptools"]
    return [(each["name"], each["sources"]) for each in setuptools["ext-modules"]]


def build(name: str, sources: list[str], overlay: Path) -> None:
    """Compile an extension into the copy of the project. Raises CalledProcessError with what the compiler said."""
    target = overlay / f"{name.replace('.', '/')}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = f"-I{sysconfig.get_paths()['include']}"
    command = [COMPILER, "-shared", "-fPIC", *FLAGS, include, *(str(ROOT / each) for each in sources)]
    subprocess.run([*command, "-o", str(target)], check=True)


def environment(overlay: Path, reports: Path) -> dict[str, str]:
    """What makes every Python below here load the instrumented extensions, and the sanitizers report into a folder."""
    libraries = [
        subprocess.run(
            [COMPILER, f"-print-file-name={name}"], check=True, capture_output=True, text=True
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    return os.environ | {
        "PYTHONPATH": str(overlay),
        "PYTHONMALLOC": "malloc",
        "LD_PRELOAD": " ".join(libraries),
        # Python itself leaves much to the end of the process: leaks are not looked for.
        "ASAN_OPTIONS": f"detect_leaks=0:log_path={reports / 'asan'}",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }


def reported(reports: Path, temporary: Path) -> list[Path]:
    """The files with reports: AddressSanitizer's own, and the logs of engines with one of UBSan.

    UBSan writes to stderr when both are there, whatever its log_path says. In the tests' own process that ends the
    process, and the run fails anyway.
    """
    logs = (path for path in temporary.rglob("*.log") if "runtime error: " in path.read_text(errors="replace"))
    return [*sorted(reports.iterdir()), *sorted(logs)]


def run(overlay: Path) -> int:
    """Compile and test in `overlay`, an empty folder; the exit status."""
    for name in ("socktui", "tests"):
        shutil.copytree(ROOT / name, overlay / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", overlay)
    reports = overlay / "reports"
    reports.mkdir()
    names = []
    for name, sources in extensions():
        build(name, sources, overlay)
        names.append(name)
    env = environment(overlay, reports)
    subprocess.run([sys.executable, "-c", PROBE, str(overlay), *names], check=True, cwd=overlay, env=env)
    files = sorted(str(path) for pattern in TESTS for path in (overlay / "tests/engine").glob(pattern))
    assert files, "no tests of what is written in C"
    temporary = overlay / "temporary"
    command = [sys.executable, "-m", "pytest", "-n", "2", f"--basetemp={temporary}", *files]
    tested = subprocess.run(command, cwd=overlay, env=env).returncode
    found = reported(reports, temporary)
    for report in found:
        print(report.read_text(errors="replace"), file=sys.stderr)
    print(f"{', '.join(names)}: {len(found)} reports of the sanitizers")
    return 1 if found else tested


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="socktui-sanitize-") as folder:
        return run(Path(folder).resolve())


if __name__ == "__main__":
    sys.exit(main())
