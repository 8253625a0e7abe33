"""What the command line asks to be made at the start."""

import pytest

from socktui.control.start import Start, open_to_others
from socktui.control.verbs import Connect, Listen
from socktui.core.endpoint import Endpoint


def test_what_listens() -> None:
    endpoint = Endpoint.parse(":5005")
    assert Start(Listen(endpoint)).listens
    assert not Start(Connect(endpoint), b"Hello").listens


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("tcp://127.0.0.1:0", False),
        ("tcp://[::1]:0", False),
        ("unix:///tmp/s", False),
        ("tcp://0.0.0.0:0", True),
        ("tcp://[::]:0", True),
        ("tcp://192.0.2.1:0", True),
        ("udp://127.0.0.1:0?group=239.1.1.1", True),
        ("udp://127.0.0.1:0?group=239.1.1.1&interface=lo", False),
    ],
)
def test_what_others_can_reach(text: str, open_: bool) -> None:
    assert open_to_others(Endpoint.parse(text)) is open_
