"""The README is held to the program: what it lists is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

from socktui.core.call import Name
from socktui.core.payload import ENCODINGS
from socktui.headless.lines import as_json
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services import SERVICES
from socktui.tui import keys

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def part(name: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", README.read_text(encoding="utf-8"), re.DOTALL)
    assert match, f"README.md has no part {name!r}"
    return match[1].strip()


def services() -> str:
    lines = ["| Service | What it does | |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.summary} | {each.source} |" for each in SERVICES.values()]
    return "\n".join(lines)


def test_the_keys_are_those_of_the_program() -> None:
    assert part("keys") == keys.markdown().strip()


def test_the_services_are_those_of_the_program() -> None:
    assert part("services") == services()


def test_the_encodings_are_those_of_the_program() -> None:
    *first, last = ENCODINGS
    assert f"{', '.join(first)} or {last}" in README.read_text(encoding="utf-8").replace("\n", " ")


def test_the_object_of_json_has_the_keys_of_the_program(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.socktui")
    journal.call(journal.entry(), Name.SOCKET, 1, 2, 5, args=("AF_INET", "SOCK_STREAM", 0))
    journal.close()
    shown = json.loads(part("json").removeprefix("```json\n").removesuffix("```"))
    with Reader(journal.path) as reader:
        assert list(shown) == list(as_json(reader, reader.call(0), 5))


def test_what_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def write() -> None:
    """Bring the generated parts up to date: `python -m tests.test_readme`."""
    text = README.read_text(encoding="utf-8")
    for name, content in {"keys": keys.markdown().strip(), "services": services()}.items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?\n?(<!-- /{name} -->)",
            lambda match, content=content: f"{match[1]}{content}\n{match[2]}",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
