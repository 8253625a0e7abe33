"""What a note says."""

import pytest

from socktui.core.note import Field, Note


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        ("remark", {"text": "look here"}, "look here"),
        ("hold", {"text": "held 2.1 s", "seconds": 2.1}, "held 2.1 s"),
        ("drop", {"bytes": 13, "sent": False}, "drop bytes=13 sent=False"),
        ("mark", {}, "mark"),
        ("mark", {"text": ""}, "mark"),
        ("", {}, ""),
    ],
)
def test_the_text_of_a_note(kind: str, fields: dict[str, Field], text: str) -> None:
    assert Note(0, 0, 1, kind, fields).text == text
