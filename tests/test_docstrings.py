"""Every public module, class, function and method of the program has a docstring.

Public is what has no name that begins with an underscore on the way to it. What needs none: a method whose base
documents it (an override says nothing new), the setter of a property, and in `tui/` the handlers that Textual finds by
their names.

`python -m tests.test_docstrings` prints the lines of UNDOCUMENTED as they have to be.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.modules import dotted, sources, tree

UNDOCUMENTED: set[str] = set()
"""Modules in which docstrings are missing yet. Take out a line with the docstrings that it waits for; add none."""

HANDLERS = re.compile(
    r"(on|action|watch|check|validate|render|line|get)_\w+"
    r"|compose|render|line"
)
"""What Textual, and the line widgets of `tui/widgets/`, call by its name: its contract is theirs."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public(body: list[ast.stmt], within: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Definition]]:
    """The public definitions in a body with their names from the module on, those inside of classes as well."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield (*within, node.name), node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, (*within, node.name))


def is_setter(node: Definition) -> bool:
    return any(isinstance(each, ast.Attribute) and each.attr == "setter" for each in node.decorator_list)


def is_documented_by_a_base(module: Path, names: tuple[str, ...]) -> bool:
    """Whether a class overrides a method that has a docstring where it was first defined."""
    *classes, method = names
    found: Any = importlib.import_module(dotted(module))
    for name in classes:
        found = getattr(found, name)
    return inspect.isclass(found) and any(
        base is not object and inspect.getdoc(vars(base).get(method))
        for base in found.__mro__[1:]
        if method in vars(base)
    )


def undocumented(module: Path) -> list[str]:
    """What is without a docstring in a module: its own name for the module itself."""
    syntax = tree(module)
    missing = [] if ast.get_docstring(syntax) or not syntax.body else [dotted(module)]
    for names, node in public(syntax.body):
        if ast.get_docstring(node) or is_setter(node):
            continue
        if module.parts[0] == "tui" and len(names) > 1 and HANDLERS.fullmatch(names[-1]):
            continue
        if len(names) > 1 and is_documented_by_a_base(module, names):
            continue
        missing.append(f"{'.'.join(names)} (line {node.lineno})")
    return missing


@pytest.mark.parametrize("module", sources(), ids=str)
def test_what_is_public_has_a_docstring(module: Path) -> None:
    missing = undocumented(module)
    if str(module) in UNDOCUMENTED:
        assert missing, f"take {module} out of UNDOCUMENTED in tests/test_docstrings.py"
    else:
        assert not missing, f"{module}: no docstring of {', '.join(missing)}"


def test_the_list_names_modules_that_exist() -> None:
    gone = UNDOCUMENTED - set(map(str, sources()))
    assert not gone, f"take these out of UNDOCUMENTED in tests/test_docstrings.py: {', '.join(sorted(gone))}"


if __name__ == "__main__":
    print("\n".join(f'    "{module}",' for module in sources() if undocumented(module)))
