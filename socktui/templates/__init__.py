"""Templates: payloads for the send box. Some are shipped; a user's own are added to them.

A template is a TOML file:

    name = "Redis: PING"
    about = "an array of one bulk string, as RESP writes it; the answer is +PONG"
    endpoint = "tcp://127.0.0.1:6379"   # where it is usually sent: a hint
    mode = "text"                       # "text" (the default), "escapes" or "hex"
    ending = "CRLF"                     # what follows each line of the text: a name of core.payload.ENDINGS, or "none"
    text = '''
    *1
    $4
    PING'''

`name` and `text` are required. In hex, line breaks are blanks and there is no ending.
"""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import platformdirs

from socktui.core.endpoint import Endpoint, EndpointError
from socktui.core.payload import ENDINGS, PayloadError, from_escapes, from_hex, from_text, to_escapes
from socktui.core.safe import safe

ENCODING = "utf-8"
SIZE_MAX = 1 << 20
SHIPPED = Path(__file__).parent

Mode = Literal["text", "escapes", "hex"]


class TemplateError(ValueError):
    """A template is wrong or does not exist. The message is one sentence with its file and key."""


@dataclass(frozen=True, slots=True)
class Template:
    """A payload that can be sent without typing it.

    name      for people; the command line takes the file's name without `.toml` as well
    about     what it is, in one line
    endpoint  where it is usually sent, as a user writes it; may be empty
    mode      how `text` is read
    ending    what follows each line of `text`, by its name in core.payload.ENDINGS
    text      as it would be typed: one line or several
    path      the file it was read from
    """

    name: str
    about: str
    endpoint: str
    mode: Mode
    ending: str
    text: str
    path: Path

    def payload(self) -> bytes:
        """The bytes to send. Raises PayloadError where `text` is wrong, never for a template that read() returned."""
        match self.mode:
            case "hex":
                return from_hex(self.text)
            case "escapes":
                after = ENDINGS[self.ending]
                return b"".join(from_escapes(line, ENCODING) + after for line in self.text.split("\n"))
            case "text":
                return b"".join(from_text(line, ENCODING, self.ending) for line in self.text.split("\n"))

    def one_line(self) -> "Template":
        """A template of the same bytes whose text is one line: with escapes where there were several."""
        if "\n" not in self.text:
            return self
        if self.mode == "hex":
            return replace(self, text=" ".join(self.text.split()))
        return replace(self, mode="escapes", ending="none", text=to_escapes(self.payload(), ENCODING))


def own_folder() -> Path:
    """The folder of a user's own templates."""
    return Path(platformdirs.user_config_path("socktui")) / "templates"


def templates(own: Path | None = None) -> tuple[list[Template], list[str]]:
    """All templates sorted by name, and one sentence for each file that is wrong.

    A file in the folder `own` (the default: own_folder()) replaces a shipped one of the same file name.
    """
    found: dict[str, Template] = {}
    wrong = []
    for folder in (SHIPPED, own or own_folder()):
        for path in sorted(folder.glob("*.toml")):
            try:
                found[path.stem] = read(path)
            except TemplateError as error:
                wrong.append(str(error))
    return sorted(found.values(), key=lambda template: template.name.casefold()), wrong


def find(name: str, among: list[Template]) -> Template:
    """Find a template by its name or by its file's name without `.toml`, in any case. Raises TemplateError."""
    wanted = name.casefold()
    for template in among:
        if wanted in (template.path.stem.casefold(), template.name.casefold()):
            return template
    known = ", ".join(sorted(safe(template.path.stem) for template in among))
    raise TemplateError(f"no template {safe(name)!r}: one of {known}")


def read(path: Path) -> Template:
    """Read the template in a file. Raises TemplateError: one sentence with the file's name and the key."""
    try:
        return _template(_table(path), path)
    except TemplateError as error:
        raise TemplateError(f"the template {safe(path.name)} is wrong: {error}") from None


_KEYS = ("name", "about", "endpoint", "mode", "ending", "text")
_NEEDED = ("name", "text")


def _table(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise TemplateError("it is no file")
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise TemplateError(error.strerror or type(error).__name__) from None
    if len(data) > SIZE_MAX:
        raise TemplateError(f"it is longer than {SIZE_MAX} bytes")
    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise TemplateError(safe(str(error))) from None
    except RecursionError:
        raise TemplateError("it is nested too deeply") from None


def _template(table: dict[str, Any], path: Path) -> Template:
    for key, value in table.items():
        if key not in _KEYS:
            raise TemplateError(f"{safe(key)} is none of the keys {', '.join(_KEYS)}")
        if not isinstance(value, str):
            raise TemplateError(f"{key} must be a text in quotation marks")
    for key in _NEEDED:
        if not table.get(key):
            raise TemplateError(f"{key} is missing")
    for key in ("name", "about"):
        if "\n" in table.get(key, ""):
            raise TemplateError(f"{key} must be a single line")
    mode = _one_of("mode", table.get("mode", "text"), get_args(Mode))
    ending = _one_of("ending", table.get("ending", "none"), tuple(ENDINGS))
    if mode == "hex" and ending != "none":
        raise TemplateError("ending must be none in mode hex")
    endpoint = table.get("endpoint", "")
    template = Template(
        table["name"], table.get("about", ""), endpoint, cast(Mode, mode), ending, table["text"], path
    )  # fmt: skip
    try:
        template.payload()
    except PayloadError as error:
        raise TemplateError(f"text: {error}") from None
    try:
        if endpoint:
            Endpoint.parse(endpoint)
    except EndpointError as error:
        raise TemplateError(f"endpoint: {error}") from None
    return template


def _one_of(key: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise TemplateError(f"{key} is none of {', '.join(values)}")
    return value
