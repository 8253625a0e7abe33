"""What the first paint does without, and what is there right after it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from socktui.control.client import Engine
from socktui.tui import deferred
from socktui.tui.app import SocktuiApp
from socktui.tui.screens.workbench import Workbench
from tests.support import until

TUI = Path(deferred.__file__).parent


async def test_what_keys_need_is_there_after_the_first_paint(tmp_path: Path) -> None:
    app = SocktuiApp(Engine(tmp_path / "c.socktui"), history=tmp_path / "history")
    async with app.run_test():
        await until(lambda: isinstance(app.screen, Workbench) and set(deferred.MODULES) <= set(sys.modules))


def test_what_the_first_paint_does_without() -> None:
    late = [*deferred.MODULES, "socktui.tui.widgets.form", "socktui.host.diag"]
    late += ["socktui.services", "socktui.templates", "socktui.engine"]
    others = ["tomllib", "h11", "websockets", "trustme", "cryptography"]
    program = (
        "import sys, socktui.cli, socktui.tui.run, socktui.control.client, socktui.tui.app; "
        f"print([name for name in {late + others} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_import_in_a_function_is_one_that_is_loaded_after_the_first_paint() -> None:
    """But for the way in, which launches the engine first."""
    inside = set()
    for path in TUI.rglob("*.py"):
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        imports = [node for each in functions for node in ast.walk(each) if isinstance(node, ast.ImportFrom)]
        inside |= {str(node.module) for node in imports if path.name != "run.py"}
    program = "import sys; from socktui.tui import deferred; deferred.load(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert len(inside) >= 4
    assert inside - set(done.stdout.split()) == set()
