"""Telnet by its RFCs: what bytes mean however they are cut, what is answered, and that answers come to an end."""

from collections import deque
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core import telnet
from socktui.core.safe import safe
from socktui.core.telnet import (
    AYT,
    BINARY,
    DO,
    DONT,
    ECHO,
    HERE,
    IAC,
    NAWS,
    NOP,
    PARAMETERS_MAX,
    SB,
    SE,
    SUPPRESS_GO_AHEAD,
    TERMINAL_TYPE,
    WILL,
    WONT,
    Command,
    Event,
    Options,
    State,
    Telnet,
    Tokens,
    describe,
)

LINEMODE = 34
SGA = SUPPRESS_GO_AHEAD


def iac(*codes: int) -> bytes:
    return bytes([IAC, *codes])


def tokens(*pieces: bytes) -> list[bytes | Command]:
    """What pieces hold, neighbouring runs of data joined."""
    machine = Tokens()
    found: list[bytes | Command] = []
    for piece in pieces:
        for token in machine.feed(piece):
            if isinstance(token, bytes) and found and isinstance(found[-1], bytes):
                found[-1] += token
            else:
                found.append(token)
    return found


# What bytes mean

EVERYTHING = (
    b"login: "
    + iac(IAC)
    + iac(WILL, ECHO)
    + iac(DO, TERMINAL_TYPE)
    + iac(SB, TERMINAL_TYPE, 1, IAC, SE)
    + b"\xfb\r\0\r\n"
    + iac(AYT)
    + iac(SB, NAWS, 0, IAC, IAC, 0, 24, IAC, SE)
    + iac(DONT, IAC)
    + iac(SB, SE, IAC, SE)
    + iac(NOP)
    + iac(5)
    + b"."
)
MEANING = [
    b"login: \xff",
    Command(WILL, ECHO),
    Command(DO, TERMINAL_TYPE),
    Command(SB, TERMINAL_TYPE, b"\x01"),
    b"\xfb\r\0\r\n",
    Command(AYT),
    Command(SB, NAWS, b"\x00\xff\x00\x18"),
    Command(DONT, 255),
    Command(SB, SE, b""),
    Command(NOP),
    Command(5),
    b".",
]


def test_data_and_commands_are_told_apart() -> None:
    assert tokens(EVERYTHING) == MEANING


def test_bytes_may_be_cut_anywhere() -> None:
    assert tokens(*(EVERYTHING[at : at + 1] for at in range(len(EVERYTHING)))) == MEANING
    for first in range(len(EVERYTHING)):
        for second in range(first, len(EVERYTHING)):
            pieces = EVERYTHING[:first], EVERYTHING[first:second], EVERYTHING[second:]
            assert tokens(*pieces) == MEANING


# Bytes that mean something to telnet come more often than they would by chance.
wire = st.lists(
    st.one_of(
        st.sampled_from(
            [bytes([code]) for code in (IAC, IAC, SB, SE, WILL, DO, DONT, AYT, ECHO, TERMINAL_TYPE, NAWS, 0)]
        ),
        st.sampled_from([b"\r", b"\n", iac(SB, TERMINAL_TYPE, 1, IAC, SE), b"x" * PARAMETERS_MAX, b"x" * 9]),
        st.binary(max_size=4),
    ),
    max_size=30,
).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(borders)]


places = st.lists(st.integers(0, 5000), max_size=12)


@given(wire, places)
def test_any_bytes_mean_the_same_however_they_are_cut(data: bytes, places: list[int]) -> None:
    assert tokens(*cut(data, places)) == tokens(data)
    for end in (telnet.client, telnet.server):
        whole, pieces = end(), end()
        found = [pieces.received(piece) for piece in cut(data, places)]
        assert (b"".join(f[0] for f in found), b"".join(f[1] for f in found)) == whole.received(data)


@given(wire)
def test_answers_stay_in_proportion(data: bytes) -> None:
    for end in (telnet.client(size=(65535, 65535)), telnet.server()):
        found, answers = end.received(data)
        assert len(found) <= len(data)
        assert len(answers) <= 5 * len(data)


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_a_subnegotiation_without_end_is_not_kept(piece: int) -> None:
    machine = Tokens()
    flood = iac(SB, TERMINAL_TYPE) + b"\xff\xffx" * 3000
    for at in range(0, len(flood), piece):
        assert not list(machine.feed(flood[at : at + piece]))
        assert len(machine.rest) <= PARAMETERS_MAX + 4
    assert [*machine.feed(iac(SE) + b"on")] == [Command(SB, TERMINAL_TYPE, None), b"on"]
    assert [*machine.feed(iac(SB, NAWS, IAC, SE))] == [Command(SB, NAWS, b"")]


def test_the_longest_subnegotiation() -> None:
    longest = iac(SB, NAWS) + b"x" * PARAMETERS_MAX + iac(SE)
    assert tokens(longest) == [Command(SB, NAWS, b"x" * PARAMETERS_MAX)]
    assert tokens(longest[:3] + b"x" + longest[3:]) == [Command(SB, NAWS, None)]


def test_a_subnegotiation_that_another_command_breaks_off() -> None:
    assert tokens(iac(SB, NAWS, 1) + iac(WILL, ECHO) + b"data") == [Command(WILL, ECHO), b"data"]
    assert tokens(iac(SB, NAWS) + b"x" * 999, iac(SB, NAWS, 2, IAC, SE)) == [Command(SB, NAWS, b"\x02")]


def test_describe() -> None:
    assert describe(EVERYTHING + iac(SB, TERMINAL_TYPE, 0) + b"DUMB" + iac(SE)) == [
        r'"login: \xff"',
        "IAC WILL ECHO",
        "IAC DO TERMINAL-TYPE",
        "IAC SB TERMINAL-TYPE SEND IAC SE",
        r'"\xfb\r\0\r\n"',
        "IAC AYT",
        "IAC SB NAWS 255 24 IAC SE",
        "IAC DONT EXTENDED-OPTIONS-LIST",
        "IAC SB 240 IAC SE",
        "IAC NOP",
        "IAC 5",
        '"."',
        "IAC SB TERMINAL-TYPE IS DUMB IAC SE",
    ]
    assert describe(b"") == []
    assert describe(iac(SB, LINEMODE, 3, 1, IAC, SE)) == ["IAC SB LINEMODE 03 01 IAC SE"]
    assert describe(iac(SB, LINEMODE) + b"x" * 513 + iac(SE)) == ["IAC SB LINEMODE (more than 512 bytes) IAC SE"]


@pytest.mark.parametrize(
    ("rest", "line"),
    [((), "IAC …"), ((DO,), "IAC DO …"), ((SB,), "IAC SB …"), ((SB, NAWS, 0, 80), "IAC SB NAWS …")],
)
def test_describe_what_is_cut_off(rest: tuple[int, ...], line: str) -> None:
    assert describe(b"x" + iac(*rest)) == ['"x"', line]


@given(wire)
def test_what_is_described_is_fit_to_be_shown(data: bytes) -> None:
    lines = describe(data)
    assert lines == [safe(line) for line in lines]


# The network virtual terminal


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"Hello, World!\r\n", b"Hello, World!\r\n"),
        (b"\n", b"\n"),
        (b"a\rb", b"a\r\0b"),
        (b"\r", b"\r\0"),
        (b"\r\r\n", b"\r\0\r\n"),
        (b"\r\0", b"\r\0\0"),
        (b"\xff\r\xff\xff", b"\xff\xff\r\0\xff\xff\xff\xff"),
    ],
)
def test_what_is_sent_for_data(data: bytes, sent: bytes) -> None:
    assert telnet.client().escaped(data) == sent
    assert telnet.server().received(sent) == (data, b"")


any_text = st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"\xff", b"x"])).map(b"".join)


@given(st.lists(any_text), places, st.booleans())
def test_data_comes_through_exactly(messages: list[bytes], places: list[int], binary: bool) -> None:
    sender, receiver = telnet.client(), telnet.server()
    if binary:
        connect(sender, receiver, sender.request(WILL, BINARY))
        assert sender.ours(BINARY)
        assert receiver.theirs(BINARY)
    sent = b"".join(map(sender.escaped, messages))
    if binary:
        assert sent == b"".join(messages).replace(b"\xff", b"\xff\xff")
    received = [receiver.received(piece) for piece in cut(sent, places)]
    assert b"".join(data for data, _ in received) == b"".join(messages)
    assert not any(answer for _, answer in received)


def test_a_command_between_cr_and_nul() -> None:
    assert telnet.server().received(b"\r" + iac(NOP) + b"\0x") == (b"\rx", b"")
    assert telnet.server().received(b"\r" + iac(IAC) + b"\0x") == (b"\r\xff\0x", b"")


# What is agreed

Q_METHOD = [
    # RFC 1143, section 7, as the page has it: `him`, what happens, `him` after it, what is sent.
    ("NO", "WILL, agreed", "YES", "DO"),
    ("NO", "WILL", "NO", "DONT"),
    ("YES", "WILL", "YES", ""),
    ("WANTNO EMPTY", "WILL", "NO", ""),
    ("WANTNO OPPOSITE", "WILL", "YES", ""),
    ("WANTYES EMPTY", "WILL", "YES", ""),
    ("WANTYES OPPOSITE", "WILL", "WANTNO EMPTY", "DONT"),
    ("NO", "WONT", "NO", ""),
    ("YES", "WONT", "NO", "DONT"),
    ("WANTNO EMPTY", "WONT", "NO", ""),
    ("WANTNO OPPOSITE", "WONT", "WANTYES EMPTY", "DO"),
    ("WANTYES EMPTY", "WONT", "NO", ""),
    ("WANTYES OPPOSITE", "WONT", "NO", ""),
    ("NO", "enable", "WANTYES EMPTY", "DO"),
    ("YES", "enable", "YES", ""),
    ("WANTNO EMPTY", "enable", "WANTNO OPPOSITE", ""),
    ("WANTNO OPPOSITE", "enable", "WANTNO OPPOSITE", ""),
    ("WANTYES EMPTY", "enable", "WANTYES EMPTY", ""),
    ("WANTYES OPPOSITE", "enable", "WANTYES EMPTY", ""),
    ("NO", "disable", "NO", ""),
    ("YES", "disable", "WANTNO EMPTY", "DONT"),
    ("WANTNO EMPTY", "disable", "WANTNO EMPTY", ""),
    ("WANTNO OPPOSITE", "disable", "WANTNO EMPTY", ""),
    ("WANTYES EMPTY", "disable", "WANTYES OPPOSITE", ""),
    ("WANTYES OPPOSITE", "disable", "WANTYES OPPOSITE", ""),
]
REACH = {
    "NO": (),
    "YES": (Event.ON,),
    "WANTYES EMPTY": (Event.ENABLE,),
    "WANTYES OPPOSITE": (Event.ENABLE, Event.DISABLE),
    "WANTNO EMPTY": (Event.ON, Event.DISABLE),
    "WANTNO OPPOSITE": (Event.ON, Event.DISABLE, Event.ENABLE),
}
EVENTS = {"WILL": Event.ON, "WONT": Event.OFF, "enable": Event.ENABLE, "disable": Event.DISABLE}


@pytest.mark.parametrize(("him", "what", "after", "sent"), Q_METHOD)
@pytest.mark.parametrize(("on", "off"), [(DO, DONT), (WILL, WONT)], ids=["theirs", "ours"])
def test_the_q_method(him: str, what: str, after: str, sent: str, on: int, off: int) -> None:
    what, agreed = what.removesuffix(", agreed"), "agreed" in what
    options = Options(on, off, frozenset({ECHO} if agreed or Event.ON in REACH[him] else ()))
    for event in REACH[him]:
        options.tell(ECHO, event)
    assert options.state(ECHO) is State(him)
    said = options.tell(ECHO, EVENTS[what])
    assert options.state(ECHO) is State(after)
    assert said == (iac({"DO": on, "DONT": off}[sent], ECHO) if sent else b"")


def connect(a: Telnet, b: Telnet, to_b: bytes = b"", to_a: bytes = b"") -> int:
    """Let two ends answer each other until both are silent; how many bytes it took."""
    total = 0
    while to_a or to_b:
        total += len(to_a) + len(to_b)
        assert total < 10_000, "they answer each other without end"
        (data_b, from_b), (data_a, from_a) = b.received(to_b), a.received(to_a)
        assert not data_a + data_b
        to_b, to_a = from_a, from_b
    return total


def test_two_of_ours_agree() -> None:
    client, server = telnet.client(size=(80, 24)), telnet.server()
    assert connect(client, server, client.begin(), server.begin()) <= 18
    for option in range(256):
        assert client.ours(option) is server.theirs(option) is False
        assert client.theirs(option) is server.ours(option) is (option == SGA)


requests = st.lists(
    st.tuples(st.booleans(), st.sampled_from([WILL, WONT, DO, DONT]), st.sampled_from([ECHO, NAWS, LINEMODE])),
    max_size=25,
)
taken = st.frozensets(st.sampled_from([ECHO, NAWS, LINEMODE]))


@given(requests, st.lists(st.booleans(), max_size=60), taken, taken, taken, taken)
def test_no_two_ends_answer_each_other_for_ever(
    requests: list[tuple[bool, int, int]],
    order: list[bool],
    a_ours: frozenset[int],
    a_theirs: frozenset[int],
    b_ours: frozenset[int],
    b_theirs: frozenset[int],
) -> None:
    """Both ask for this and that, at times of their own, while answers are on their way: then both are of one mind."""
    ends = Telnet(a_ours, a_theirs), Telnet(b_ours, b_theirs)
    ways: tuple[deque[bytes], deque[bytes]] = deque(), deque()
    asking, moves = deque(requests), deque(order)
    messages = 0
    while asking or any(ways):
        deliver = not asking or (moves.popleft() if moves else True)
        if deliver and any(ways):
            to = 0 if ways[0] and (not ways[1] or not moves or moves.popleft()) else 1
            _, answers = ends[to].received(ways[to].popleft())
            ways[1 - to].append(answers) if answers else None
            messages += bool(answers)
        elif asking:
            who, verb, option = asking.popleft()
            ways[1 - who].append(ends[who].request(verb, option))
            if not ways[1 - who][-1]:
                ways[1 - who].pop()
        assert messages <= 4 * len(requests)
    for option in (ECHO, NAWS, LINEMODE):
        assert ends[0].ours(option) == ends[1].theirs(option)
        assert ends[1].ours(option) == ends[0].theirs(option)


def test_a_server_that_repeats_itself_is_answered_once() -> None:
    client = telnet.client()
    assert client.received(iac(WILL, ECHO) * 100) == (b"", iac(DO, ECHO))
    assert client.received(iac(WONT, ECHO) * 100) == (b"", iac(DONT, ECHO))


def test_what_is_refused_is_refused_every_time() -> None:
    """A client waits for the answer to DO TIMING-MARK (RFC 860) before it shows anything again."""
    for end in (telnet.client(), telnet.server()):
        assert end.received(iac(DO, 6) * 3) == (b"", iac(WONT, 6) * 3)
        assert end.received(iac(WILL, LINEMODE)) == (b"", iac(DONT, LINEMODE))
        assert end.received(iac(WONT, LINEMODE) + iac(DONT, 6)) == (b"", b"")


def test_a_client_tells_its_terminal_when_it_was_agreed() -> None:
    client = telnet.client("VT100")
    send = iac(SB, TERMINAL_TYPE, 1, IAC, SE)
    assert client.received(send) == (b"", b"")
    assert client.begin() == iac(DO, SGA) + iac(WILL, TERMINAL_TYPE)
    assert client.received(iac(DO, TERMINAL_TYPE)) == (b"", b"")
    answer = iac(SB, TERMINAL_TYPE, 0) + b"VT100" + iac(SE)
    assert client.received(send * 2) == (b"", answer * 2)  # the same again says that there is no other (RFC 1091)
    assert client.received(iac(DO, NAWS)) == (b"", iac(WONT, NAWS))


def test_a_client_tells_its_size_when_it_was_agreed() -> None:
    client = telnet.client(size=(255, 65535))
    assert iac(WILL, NAWS) in client.begin()
    size = iac(SB, NAWS, 0, IAC, IAC, IAC, IAC, IAC, IAC, IAC, SE)
    assert client.received(iac(DO, NAWS) * 2) == (b"", size)
    assert client.received(iac(DONT, NAWS)) == (b"", iac(WONT, NAWS))
    assert client.received(iac(DO, NAWS)) == (b"", iac(WILL, NAWS) + size)


def test_are_you_there() -> None:
    assert telnet.server().received(b"a" + iac(AYT) + b"b") == (b"ab", HERE)
    assert telnet.client().received(iac(AYT)) == (b"", b"")  # a server would take the answer for something typed
