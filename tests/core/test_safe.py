import unicodedata

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from wcwidth import wcwidth

from socktui.core.safe import clip, safe, width

ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from("\x1b[]m\x9b\x07\r\n日e\u0301😀\u200d"))

HOSTILE = {
    "title": ("\x1b]0;owned\x07", "␛]0;owned␇"),
    "clear": ("\x1b[2J\x1b[H", "␛[2J␛[H"),
    "colour": ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
    "c1 csi": ("\x9b2J", r"\x9b2J"),
    "c1 osc": ("\x9d0;owned\x9c", r"\x9d0;owned\x9c"),
    "clipboard": ("\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
    "device": ('\x1bP$q"p\x1b\\', '␛P$q"p␛\\'),
    "report": ("\x1b[6n\x05", "␛[6n␅"),
    "alternate screen": ("\x1b[?1049h\x1bc", "␛[?1049h␛c"),
    "shift out": ("\x0eqqq\x0f", "␎qqq␏"),
    "line": ("a\r\nb\tc\bd\x0b\x0c", "a␍␊b␉c␈d␋␌"),
    "nul and del": ("\0\x7f", "␀␡"),
    "bidi": ("a\u202ecod.exe\u202c\u2066\u200f", r"a\u202ecod.exe\u202c\u2066\u200f"),
    "zalgo": ("Z\u0351\u036ba", r"Z\u0351\u036ba"),
    "family": ("👨\u200d👩", r"👨\u200d👩"),
    "skin": ("👍\U0001f3ff", r"👍\U0001f3ff"),
    "flag": ("🇩🇪", r"\U0001f1e9\U0001f1ea"),
    "variation": ("❤\ufe0f", r"❤\ufe0f"),
    "tag": ("x\U000e0001\U000e0041", r"x\U000e0001\U000e0041"),
    "zero width": ("pay\u200bpal\ufeff\u00ad", r"pay\u200bpal\ufeff\xad"),
    "jamo": ("\u1112\u1161\u11ab", r"\u1112\u1161\u11ab"),
    "filler": ("\u3164\uffa0", r"\u3164\uffa0"),
    "blanks": ("a\xa0b\u3000c\u2028", r"a\xa0b\u3000c\u2028"),
    "surrogate": ("\ud83d", r"\ud83d"),
    "private": ("\ue0b0\U0010ffff", r"\ue0b0\U0010ffff"),
    "hexagram": ("䷀", r"\u4dc0"),
    "thai am": ("กำ", r"ก\u0e33"),
    "markup": ("[/foo] [@click=app.quit]x[/]", "[/foo] [@click=app.quit]x[/]"),
    "plain": ("Grüße, Привет, 日本語, ｆｕｌｌ, 😀 … ─│", "Grüße, Привет, 日本語, ｆｕｌｌ, 😀 … ─│"),
}


@pytest.mark.slow
def test_every_code_point_is_visible_and_of_the_width_that_all_agree_on() -> None:
    for code in range(0x110000):
        shown = safe(chr(code))
        assert shown
        if shown == chr(code):
            assert shown.isprintable()
            assert unicodedata.category(shown)[0] not in "CM"
            # Textual measures with rich's table, terminals use one like wcwidth's.
            assert width(shown) == cell_len(shown) == wcwidth(shown), hex(code)
        else:
            assert shown.isascii() or (len(shown) == 1 and "\u2400" <= shown <= "\u2421")
            assert shown.isprintable()
            assert width(shown) == len(shown)


def test_signs_have_the_width_of_every_table() -> None:
    for code in [*range(0x20), 0x7F]:
        sign = safe(chr(code))
        assert width(sign) == cell_len(sign) == wcwidth(sign) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    hostile, shown = HOSTILE[name]
    assert safe(hostile) == shown
    assert on_a_terminal(safe(hostile)) == (shown, width(shown))


@settings(max_examples=150)
@given(ANY_TEXT)
def test_a_terminal_shows_just_that(text: str) -> None:
    shown = safe(text)
    assert on_a_terminal(shown) == (shown.rstrip(" "), width(shown))
    assert width(shown) == cell_len(shown)
    assert shown.isprintable()
    assert safe(shown) == shown


@given(ANY_TEXT, st.integers(-2, 30))
def test_clip(text: str, cells: int) -> None:
    shown = safe(text)
    cut = clip(shown, cells)
    assert width(cut) <= max(cells, 0)
    if width(shown) <= cells:
        assert cut == shown
    elif cells > 0:
        assert cut.endswith("…")
        assert shown.startswith(cut[:-1])
        assert width(cut) >= cells - 1, "only a wide character may leave a cell unused"


def test_clip_looks_at_no_more_than_it_needs() -> None:
    assert clip("日本語", 6) == "日本語"
    assert clip("日本語", 5) == "日本…"
    assert clip("日本語", 4) == "日…"
    assert clip("x" * 10_000_000, 4) == "xxx…"


def test_width() -> None:
    assert width("") == 0
    assert width("abc") == 3
    assert width("Привет") == 6
    assert width("日本") == 4
    assert width("␛[2J") == 4


def on_a_terminal(text: str) -> tuple[str, int]:
    """What a terminal shows when it is sent the text, and the column where its cursor then is."""
    screen = pyte.Screen(width(text) + 4, 3)
    screen.set_mode(pyte.modes.LNM)
    pyte.Stream(screen).feed(text)
    lines = [line.rstrip(" ") for line in screen.display]
    assert lines[1:] == ["", ""]
    assert screen.title == ""
    assert screen.cursor.y == 0
    return lines[0], screen.cursor.x
