"""The programs in C: made when they are needed."""

import os
import shutil
import subprocess
from pathlib import Path


def built(name: str, folder: Path) -> Path:
    """`name`.c of this folder as a program in `folder`. Raises RuntimeError where it cannot be made."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("the client that loads the servers needs a C compiler: apt-get install gcc libc6-dev")
    program, source = folder / name, Path(__file__).with_name(f"{name}.c")
    own = os.environ | {"TMPDIR": str(folder)}
    done = subprocess.run([compiler, "-O3", "-o", program, source], env=own, capture_output=True, text=True)
    if done.returncode:
        why = next((row for row in done.stderr.splitlines() if "error" in row), f"status {done.returncode}")
        raise RuntimeError(f"{compiler} does not compile {source.name}: {why}")
    return program
