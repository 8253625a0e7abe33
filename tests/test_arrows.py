"""No arrow runs back: what may import what is laid down in pyproject.toml. And no arrows make a circle."""

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CIRCLES: tuple[tuple[str, ...], ...] = ()
"""The circles that are left, by patterns of their modules. The list may only shrink: what is opened is taken off it."""


def test_the_contracts_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "socktui.core.call",
        "socktui.core.endpoint",
        "socktui.core.sockets",
        "socktui.journal.reader",
        "socktui.journal.writer",
        "socktui.journal.folder",
        "socktui.engine.socket_table",
        "socktui.services",
        "socktui.control.server",
        "socktui.control.client",
        "socktui.host.owners",
    ],
)
def test_it_runs_without_the_screens_libraries(module: str) -> None:
    program = (
        f"import sys, {module}; print([m for m in sys.modules if m.partition('.')[0] in ('textual', 'rich', 'numpy')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_control_client_brings_no_engine() -> None:
    """The screen's process never holds sockets of the workbench."""
    program = "import sys, socktui.control.client; print([m for m in sys.modules if m.startswith('socktui.engine')])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Circles


def modules() -> dict[str, Path]:
    """The file of each module of the program, by its name."""
    found = {}
    for path in sorted((ROOT / "socktui").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def arrows(module: str, path: Path, known: Mapping[str, Path]) -> set[str]:
    """The modules of the program that one names: in an import, wherever it stands, or in a string."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for node in ast.walk(tree) for name in named(node, known) if name in known} - {module}


def named(node: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    """Names that may be modules; of `from package import module` the module alone."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(package), names=names):
            for alias in names:
                within = f"{package}.{alias.name}"
                yield within if within in known else package
        case ast.Constant(value=str(text)):
            yield text


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """The largest sets of modules that all lead to each other."""
    reached = {module: reach(graph, module) for module in graph}
    found = {frozenset(other for other in seen if module in reached[other]) for module, seen in reached.items()}
    return {circle for circle in found if circle}


def reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """What a module leads to; itself only where it is on a circle."""
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        if (module := todo.pop()) not in seen:
            seen.add(module)
            todo += graph[module]
    return seen


def test_no_arrows_make_a_circle() -> None:
    """Those count too that types alone need, that stand in functions, and that are strings."""
    known = modules()
    found = circles({module: arrows(module, path, known) for module, path in known.items()})
    left = {patterns: [circle for circle in found if is_of(circle, patterns)] for patterns in CIRCLES}
    assert [sorted(circle) for circle in found if not any(circle in each for each in left.values())] == []
    assert [patterns for patterns, there in left.items() if not there] == [], "take it off the list"


def is_of(circle: frozenset[str], patterns: tuple[str, ...]) -> bool:
    return all(any(fnmatchcase(module, pattern) for pattern in patterns) for module in circle)


def test_a_circle_is_found(tmp_path: Path) -> None:
    """However its arrows are written."""
    sources = {
        "p.a": "import p.b",
        "p.b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import c",
        "p.c": "def f():\n    from p.d import g",
        "p.d": "LATE = ('p.a',)",
        "p.e": "import p.a",
    }
    paths = {}
    for name, text in sources.items():
        paths[name] = tmp_path / f"{name}.py"
        paths[name].write_text(text)
    graph = {name: arrows(name, path, paths) for name, path in paths.items()}
    assert circles(graph) == {frozenset({"p.a", "p.b", "p.c", "p.d"})}
    del graph["p.d"]
    graph["p.c"].clear()
    assert circles(graph) == set()
