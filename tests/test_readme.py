"""The README and the pages in docs/ are held to the program: what they list is what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from socktui.core.call import Function
from socktui.core.endpoint import SCHEMES, Endpoint
from socktui.core.payload import ENCODINGS
from socktui.engine.transports import TRANSPORTS
from socktui.headless.lines import as_json
from socktui.journal.reader import Reader
from socktui.journal.writer import Journal
from socktui.services import SERVICES, service
from socktui.templates import read, templates
from socktui.tui import keys
from tests.pairs import served

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
ENDPOINT = re.compile(rf"""(?:{"|".join(SCHEMES)})://[^\s`'"<>|,]*[^\s`'"<>|,.:)]""")


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def part(page: str, name: str) -> str:
    """What stands between the comments of that name on a page."""
    match = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", text(page), re.DOTALL)
    assert match, f"docs/{page} has no part {name!r}"
    return match[1].strip()


FORMS = {"port": "HOST:PORT", "path": "PATH", "host": "HOST", "protocol": "HOST:PROTOCOL"}


def services() -> str:
    lines = ["| Service | What it does | |", "|---|---|---|"]
    for each in SERVICES.values():
        written = f"`{each.name}={each.default or '…'}`" if each.argument else f"`{each.name}`"
        about = f"{each.summary}; the argument: {each.argument}" if each.argument else each.summary
        lines.append(f"| {written} | {about} | {each.source} |")
    return "\n".join(lines)


def families() -> str:
    """What there is of each scheme, by the tables that the program itself goes by."""
    lines = ["| Written | What it is | Client | Server | Services | Options |", "|---|---|---|---|---|---|"]
    for name, kind in SCHEMES.items():
        place = FORMS[kind.form] + ("/PATH" if kind.resource else "")
        names = served(name)
        missing = [each for each in SERVICES if each not in names]
        server = "yes" if names else ""
        which = (f"all but {', '.join(missing)}" if missing else "all") if names else ""
        options = ", ".join(f"`{option}`" for option in kind.options)
        lines.append(f"| `{name}://{place}` | {kind.about} | yes | {server} | {which} | {options} |")
    return "\n".join(lines)


def test_the_keys_are_those_of_the_program() -> None:
    assert part("keys.md", "keys") == keys.markdown().strip()


def test_the_services_are_those_of_the_program() -> None:
    assert part("services.md", "services") == services()


def test_the_families_are_those_of_the_program() -> None:
    assert part("sockets.md", "families") == families()
    assert set(TRANSPORTS) == set(SCHEMES)


def test_the_templates_are_those_of_the_program(tmp_path: Path) -> None:
    shown = text("screen.md").partition("## Templates")[2].partition("\n#")[0]
    found, wrong = templates(tmp_path)
    assert not wrong
    assert all(f"`{template.path.stem}`" in shown for template in found)


def test_the_example_of_a_template_is_right(tmp_path: Path) -> None:
    (tmp_path / "finger.toml").write_text(text("screen.md").partition("```toml\n")[2].partition("```")[0])
    assert read(tmp_path / "finger.toml").payload() == b"/W\r\n"


def test_the_rules_of_the_script_are_right(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(text("services.md").partition("```toml\n")[2].partition("```")[0])
    assert service(f"script={tmp_path / 'rules.toml'}")


def test_the_encodings_are_those_of_the_program() -> None:
    *first, last = ENCODINGS
    assert f"{', '.join(first)} or {last}" in text("screen.md").replace("\n", " ")


def test_the_object_of_json_has_the_keys_of_the_program(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.socktui")
    journal.append_call(journal.entry(), Function.SOCKET, 1, 2, 5, args=("AF_INET", "SOCK_STREAM", 0))
    journal.close()
    shown = json.loads(part("headless.md", "json").removeprefix("```json\n").removesuffix("```"))
    with Reader(journal.path) as reader:
        assert list(shown) == list(as_json(reader, reader.call(0), 5))


def test_every_key_of_json_is_explained() -> None:
    shown = json.loads(part("headless.md", "json").removeprefix("```json\n").removesuffix("```"))
    assert re.findall(r"^\| `(\w+)` \|", text("headless.md"), re.MULTILINE) == list(shown)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_endpoints_in_it_can_be_parsed(page: Path) -> None:
    for match in ENDPOINT.finditer(page.read_text(encoding="utf-8")):
        if not re.search(r"[A-Z]{2}", match[0]):  # HOST, PORT, PATH stand for something
            Endpoint.parse(match[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_it_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_reached_from_the_readme() -> None:
    linked = re.findall(r"\]\(([\w/]+\.md)\)", README.read_text(encoding="utf-8"))
    assert {str(page.relative_to(ROOT)) for page in PAGES} - {"README.md"} <= set(linked)


def write() -> None:
    """Bring the generated parts up to date: `python -m tests.test_readme`."""
    parts = {"keys": keys.markdown().strip(), "services": services(), "families": families()}
    for page in PAGES:
        shown = page.read_text(encoding="utf-8")
        for name, content in parts.items():
            shown = re.sub(
                rf"(<!-- {name} -->\n).*?\n?(<!-- /{name} -->)",
                lambda match, content=content: f"{match[1]}{content}\n{match[2]}",  # type: ignore[misc]
                shown,
                flags=re.DOTALL,
            )
        page.write_text(shown, encoding="utf-8")


if __name__ == "__main__":
    write()
