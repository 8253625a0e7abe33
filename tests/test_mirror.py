"""The tests mirror the program: `socktui/a/b.py` is tried by `tests/a/test_b.py`.

A package's own code, `socktui/a/__init__.py`, is tried by `tests/a/test_a.py`. A module without a function of its own
(names, tables, records, exceptions, a docstring alone) needs no file, and neither does `__main__`. Further test files,
about what several modules do together, may stand beside these.

`python -m tests.test_mirror` prints the lines of MISSING as they have to be.
"""

import ast
from pathlib import Path

from tests.modules import ROOT, sources, tree

MISSING: set[str] = set()
"""Modules that have no test file of their name yet. Take out a line with the file that fills it; add none."""


def has_functions(module: Path) -> bool:
    """Whether there is anything in a module that can be run."""
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree(module)))


def mirror(module: Path) -> Path:
    """The file in which the tests of a module stand."""
    name = module.parent.name if module.stem == "__init__" else module.stem
    return ROOT / "tests" / module.parent / f"test_{name}.py"


def untested() -> list[str]:
    """The modules that have no test file of their name, and need one."""
    wanted = (module for module in sources() if module.name != "__main__.py" and has_functions(module))
    return [str(module) for module in wanted if not mirror(module).exists()]


def test_every_module_has_a_test_file_of_its_name() -> None:
    new = set(untested()) - MISSING
    assert not new, "a module needs its test file: " + ", ".join(
        f"{each} → {mirror(Path(each)).relative_to(ROOT)}" for each in sorted(new)
    )


def test_the_list_of_those_missing_is_no_longer_than_it_must_be() -> None:
    done = MISSING - set(untested())
    assert not done, f"take these out of MISSING in tests/test_mirror.py: {', '.join(sorted(done))}"


if __name__ == "__main__":
    print("\n".join(f'    "{module}",' for module in untested()))
