"""CONTRIBUTING.md is held to the program: the files and names in it exist, and so do the make targets."""

import ast
import re

import pytest

from tests.modules import PACKAGE, ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

PLANNED: set[str] = set()
"""References to what does not exist yet. Take out a line with the change that makes it true; add none."""

PATH = re.compile(r"(\.?\w[\w.-]*/[\w./-]*|[\w-]+\.(?:py|md|toml|lock|c|h))(?:: ([\w.]+))?")
"""`engine/stream.py`, `tests/`, `pyproject.toml`, and `engine/stream.py: Stream.recv`."""


def references() -> list[str]:
    """What stands between backticks and is a path, with the name in it where there is one; and make targets."""
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", prose)
    return sorted(
        {span for span in spans if PATH.fullmatch(span)}
        | {f"make {target}" for target in re.findall(r"\bmake ([a-z]+)(?![\w/.])", "\n".join(spans) + PAGE)}
    )


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    """Whether a body defines a name, and inside of that the next one."""
    for node in body:
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if name == names[0]:
                    return not names[1:] or (isinstance(node, ast.ClassDef) and defines(node.body, names[1:]))
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                if [name] == names:
                    return True
    return False


def exists(reference: str) -> bool:
    """Whether the file is there, below socktui/ or the root, and defines the name; whether make has the target."""
    if reference.startswith("make "):
        return f"\n{reference.removeprefix('make ')}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    match = PATH.fullmatch(reference)
    assert match
    path, names = match.groups()
    for file in (PACKAGE / path, ROOT / path):
        if file.exists():
            return not names or defines(ast.parse(file.read_text(encoding="utf-8")).body, names.split("."))
    return False


@pytest.mark.parametrize("reference", references())
def test_what_it_names_exists(reference: str) -> None:
    if reference in PLANNED:
        assert not exists(reference), f"take {reference!r} out of PLANNED in tests/test_contributing.py"
    else:
        assert exists(reference), f"CONTRIBUTING.md names {reference}, which is not there"


def test_nothing_is_planned_that_is_not_named() -> None:
    assert set(references()) >= PLANNED


def test_it_is_found_at_all() -> None:
    """The pattern finds what it is for."""
    found = references()
    assert {"engine/stream.py: Stream.recv", "tests/", "pyproject.toml", "make check", "core/safe.py: safe"} <= set(
        found
    )
