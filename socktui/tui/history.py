"""What was typed before, kept between runs: in a private file, a JSON string a line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

KEPT = 500


def default_path() -> Path:
    """Where the history of this user is: in the folder for state of the XDG Base Directory Specification."""
    return Path(platformdirs.user_state_dir("socktui")) / "history"


class History:
    """Lines that were typed, oldest first, and a place in them.

    A file that cannot be read or written is done without.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = _read(path)
        self._at = len(self._lines)
        self._draft = ""

    def beside(self, name: str) -> History:
        """Another one, in a file in the same folder."""
        return History(self._path.with_name(name))

    def add(self, line: str) -> None:
        """Remember a line, and go to the end."""
        if line and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
            self._append(line)
        self._at = len(self._lines)

    def older(self, current: str) -> str | None:
        """The line before, or None at the first. What was being typed comes back at the end."""
        if not self._at:
            return None
        if self._at == len(self._lines):
            self._draft = current
        self._at -= 1
        return self._lines[self._at]

    def newer(self) -> str | None:
        """The line after, or None at the end."""
        if self._at == len(self._lines):
            return None
        self._at += 1
        return self._draft if self._at == len(self._lines) else self._lines[self._at]

    def _append(self, line: str) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if len(self._lines) > 2 * KEPT:
                self._lines = self._lines[-KEPT:]
                self._write(self._lines, os.O_TRUNC)
            else:
                self._write([line], os.O_APPEND)
        except OSError:
            pass  # nothing that was asked for fails because a convenience does

    def _write(self, lines: list[str], how: int) -> None:
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o600)
        with open(fd, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)


def _read(path: Path) -> list[str]:
    lines: list[str] = []
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except ValueError:
                    continue
                if isinstance(line, str):
                    lines.append(line)
    except OSError:
        pass
    return lines[-KEPT:]
