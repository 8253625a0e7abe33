"""The modules of the program as their source says them: what test_mirror.py and test_docstrings.py go by."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "socktui"


def sources() -> list[Path]:
    """Every module of the program, as its path below `socktui/`."""
    return [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]


def tree(module: Path) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def dotted(module: Path) -> str:
    """The name by which a module is imported."""
    return ".".join(("socktui", *module.with_suffix("").parts)).removesuffix(".__init__")
