"""The programs in C: made when they are needed."""

import shutil
import subprocess
import sys
from pathlib import Path


def built(name: str, folder: Path) -> Path:
    """`name`.c of this folder as a program in `folder`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        sys.exit("the figures need a C compiler, for the client that loads the servers: apt-get install gcc libc6-dev")
    program = folder / name
    subprocess.run([compiler, "-O3", "-o", program, Path(__file__).with_name(f"{name}.c")], check=True)
    return program
