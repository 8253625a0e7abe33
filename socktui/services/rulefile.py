"""The file of a script's rules: TOML, read and validated. Errors name the rule and the key."""

import os
import re
import stat
import tomllib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from socktui.core.payload import PayloadError, from_escapes, from_hex
from socktui.services.error import ServiceError
from socktui.services.rules import BOUND, End, Frame, Rule, Rules, Send, Steps, Wait

FILE_MOST = 16 << 20
WAIT_MOST = 3600

_TOP = ("frame", "connect", "rule", "default")
_WANTED = ("text", "hex", "regex")
_STEPS = ("hex", "file", "wait", "close", "reset")


def load(path: Path) -> Rules:
    """Read the rules in a file. Raises ServiceError, one sentence, where it cannot be read or is wrong."""
    try:
        document = tomllib.loads(_read(path).decode())
    except UnicodeDecodeError as error:
        raise ServiceError(f"it is no UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ServiceError("it is nested too deep") from None
    except tomllib.TOMLDecodeError as error:
        raise ServiceError(str(error)) from None
    top = _table(document, "", _TOP)
    rules = top.get("rule", [])
    if not isinstance(rules, list):
        raise ServiceError("'rule' has to be written [[rule]]")
    folder = path.parent
    return Rules(
        _frame(top.get("frame", Frame.BUFFER.value)),
        tuple(_rule(number, rule, folder) for number, rule in enumerate(rules, 1)),
        _answer_of(top["connect"], "connect", folder) if "connect" in top else (),
        _answer_of(top["default"], "default", folder) if "default" in top else None,
    )


def _read(path: Path) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise ServiceError(f"{path} is no file that can be read")
        with open(fd, "rb") as file:
            data = file.read(FILE_MOST + 1)
    except OSError as error:
        raise ServiceError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > FILE_MOST:
        raise ServiceError(f"{path} has more than {FILE_MOST >> 20} MiB")
    return data


def _table(value: Any, where: str, keys: Collection[str]) -> dict[str, Any]:
    """The value as a table with none but these keys. `where` begins each error message. Raises ServiceError."""
    if not isinstance(value, dict):
        raise ServiceError(f"{where}a table is needed here, with {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise ServiceError(f"{where}{key[:40]!r} is no key here: one of {', '.join(keys)}")
    return value


def _frame(value: Any) -> Frame:
    try:
        return Frame(value)
    except ValueError:
        raise ServiceError(f"'frame' is one of {', '.join(frame.value for frame in Frame)}") from None


def _rule(number: int, value: Any, folder: Path) -> Rule:
    where = f"rule {number}: "
    table = _table(value, where, (*_WANTED, "answer"))
    wanted = [key for key in _WANTED if key in table]
    if len(wanted) != 1:
        raise ServiceError(f"{where}it needs one of {', '.join(_WANTED)}, and has {' and '.join(wanted) or 'none'}")
    [key] = wanted
    return Rule(number, _pattern(key, table[key], where), _steps(table.get("answer"), where, folder))


def _pattern(key: str, value: Any, where: str) -> bytes | re.Pattern[bytes]:
    text = _text(value, key, where)
    if key == "regex":
        try:
            return re.compile(text.encode())
        except (re.error, OverflowError, RecursionError) as error:
            raise ServiceError(f"{where}'regex' is wrong: {error}") from None
    data = _bytes(key, text, where)
    if not 1 <= len(data) <= BOUND:
        raise ServiceError(f"{where}{key!r} has to stand for 1 to {BOUND} bytes, not {len(data)}")
    return data


def _answer_of(value: Any, name: str, folder: Path) -> Steps:
    where = f"{name}: "
    return _steps(_table(value, where, ("answer",)).get("answer"), where, folder)


def _steps(value: Any, where: str, folder: Path) -> Steps:
    """The steps of an answer: a text alone, or a list."""
    if value is None:
        raise ServiceError(f"{where}'answer' is missing")
    steps = value if isinstance(value, list) else [value]
    found = tuple(_step(step, f"{where}step {place} of 'answer': ", folder) for place, step in enumerate(steps, 1))
    for place, step in enumerate(found[:-1], 1):
        if isinstance(step, End):
            raise ServiceError(f"{where}step {place} of 'answer': nothing can come after it")
    return found


def _step(value: Any, where: str, folder: Path) -> Send | Wait | End:
    if isinstance(value, str):
        return Send(_bytes("text", value, where))
    table = _table(value, where, _STEPS)
    if len(table) != 1:
        raise ServiceError(f"{where}a step has one key, not {len(table)}")
    [(key, content)] = table.items()
    match key:
        case "hex":
            return Send(_bytes(key, _text(content, key, where), where))
        case "file":
            return Send(_file(folder / _text(content, key, where), where))
        case "wait":
            if isinstance(content, bool) or not isinstance(content, int | float) or not 0 < content <= WAIT_MOST:
                raise ServiceError(f"{where}'wait' is a number of seconds above 0, up to {WAIT_MOST}")
            return Wait(content)
        case _:
            if content is not True:
                raise ServiceError(f"{where}{key!r} can only be true")
            return End(reset=key == "reset")


def _file(path: Path, where: str) -> bytes:
    try:
        return _read(path)
    except ServiceError as error:
        raise ServiceError(f"{where}{error}") from None


def _text(value: Any, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise ServiceError(f"{where}{key!r} has to be a text")
    return value


def _bytes(key: str, text: str, where: str) -> bytes:
    """The bytes of a text with escapes, or of hex digits. Raises ServiceError."""
    read: Callable[[str], bytes] = from_hex if key == "hex" else lambda escaped: from_escapes(escaped, "utf-8")
    try:
        return read(text)
    except PayloadError as error:
        raise ServiceError(f"{where}{key!r} is wrong: {error.message}") from None
