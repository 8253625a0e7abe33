"""Where captures go."""

import os
from datetime import datetime
from pathlib import Path

import platformdirs

from socktui.journal import format


def captures_folder() -> Path:
    """Where captures go by default."""
    return Path(platformdirs.user_state_dir("socktui")) / "captures"


def new_path() -> Path:
    """A dated place for a new capture, in a folder that nobody else can look into."""
    parent = captures_folder()
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # With the process's number, since it is the engine that makes the folder, a moment later.
    stem = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{os.getpid()}"
    path = parent / f"{stem}{format.SUFFIX}"
    number = 2
    while path.exists():
        path = parent / f"{stem}-{number}{format.SUFFIX}"
        number += 1
    return path
