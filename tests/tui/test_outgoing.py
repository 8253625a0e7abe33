"""Bytes, files and kinds of messages, made of what is typed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from socktui.core.payload import PayloadError
from socktui.tui.outgoing import Addressee, Payload, Settings, payload_of


@pytest.mark.parametrize(
    ("typed", "settings", "payload"),
    [
        ("Ж", Settings(), Payload("Ж".encode())),
        ("Ж", Settings(encoding="cp1251", ending="CRLF"), Payload(b"\xc6\r\n")),
        (r"a\x00", Settings("escapes", ending="LF"), Payload(b"a\0\n")),
        ("48 65", Settings("hex", ending="LF"), Payload(b"He")),
        ("hi", Settings(kind="ping"), Payload(b"hi", kind="ping")),
        ("", Settings(kind="close"), Payload(kind="close")),
        ("1000", Settings(kind="close"), Payload(b"\x03\xe8", kind="close")),
        ("1001 bye Ж", Settings(kind="close"), Payload(b"\x03\xe9" + "bye Ж".encode(), kind="close")),
        ("03 e8", Settings("hex", kind="close"), Payload(b"\x03\xe8", kind="close")),
    ],
)
def test_bytes(typed: str, settings: Settings, payload: Payload) -> None:
    assert payload_of(typed, settings) == payload


@pytest.mark.parametrize("typed", ["bye", "99", "10000", "1000bye"])
def test_a_close_has_a_code_of_four_digits(typed: str) -> None:
    with pytest.raises(PayloadError, match="a code of four digits"):
        payload_of(typed, Settings(kind="close"))


def test_a_file_is_named_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_bytes(b"12345")
    for typed in (str(tmp_path / "file"), "~/file", f" {tmp_path}/file "):
        assert payload_of(typed, Settings("file")) == Payload(file=tmp_path / "file", size=5)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("", "name a file"), ("/", "there is no file /"), ("/no/such", "there is no file /no/such"), ("a\0b", "no file")],
)
def test_what_is_no_file(typed: str, said: str) -> None:
    with pytest.raises(PayloadError, match=said):
        payload_of(typed, Settings("file"))


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PayloadError, match="you may not read"):
        payload_of(str(tmp_path / "file"), Settings("file"))


@pytest.mark.parametrize(
    ("scheme", "messages", "websocket", "message"),
    [
        ("tcp", False, False, "packet"),
        ("udp", True, False, "datagram"),
        ("unix-dgram", True, False, "datagram"),
        ("unix-seqpacket", True, False, "packet"),
        ("wss", True, True, "message"),
        ("", False, False, "packet"),
    ],
)
def test_what_can_be_sent_to_whom(scheme: str, messages: bool, websocket: bool, message: str) -> None:
    to = Addressee("", scheme)
    assert (to.messages, to.websocket, to.message) == (messages, websocket, message)
