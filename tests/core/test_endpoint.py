"""Endpoints: written and read the same way everywhere, and one sentence for each thing that can be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socktui.core.endpoint import PATH_MAX, SCHEMES, Endpoint, EndpointError

ports = st.integers(0, 65535)
scopes = st.from_regex(r"[A-Za-z0-9_.@-]{1,15}", fullmatch=True)
names = st.from_regex(r"[a-z][a-z0-9_]{0,10}(-[a-z0-9]{1,5})?(\.[a-z][a-z0-9]{0,10}){0,3}", fullmatch=True)
hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.tuples(st.ip_addresses(v=6).map(str), scopes).map("%".join),
    names,
)


@given(host=hosts, port=ports)
def test_what_is_printed_is_parsed(host: str, port: int) -> None:
    endpoint = Endpoint("tcp", host, port)
    assert Endpoint.parse(str(endpoint)) == endpoint
    assert Endpoint.parse(endpoint.authority) == endpoint
    assert Endpoint.parse(f"  TCP://{endpoint.authority}\n") == endpoint


@given(st.text() | st.text(alphabet="tcp:/[]%.0123456789abf-x @"))
def test_nothing_but_an_endpoint_or_one_sentence(text: str) -> None:
    try:
        endpoint = Endpoint.parse(text)
    except EndpointError as error:
        said = str(error)
    else:
        said = str(endpoint)
        assert Endpoint.parse(said) == endpoint
        assert endpoint.loopback in (True, False)
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:5005", Endpoint("tcp", "127.0.0.1", 5005)),
        ("tcp://[::1]:5005", Endpoint("tcp", "::1", 5005)),
        ("[fe80::1%eth0]:80", Endpoint("tcp", "fe80::1%eth0", 80)),
        ("[0:0:0:0:0:0:0:1]:80", Endpoint("tcp", "::1", 80)),
        ("localhost:80", Endpoint("tcp", "localhost", 80)),
        (":5005", Endpoint("tcp", "127.0.0.1", 5005)),
        ("5005", Endpoint("tcp", "127.0.0.1", 5005)),
        ("tcp://:0", Endpoint("tcp", "127.0.0.1", 0)),
        ("0.0.0.0:0", Endpoint("tcp", "0.0.0.0", 0)),
        ("Host.example.:65535", Endpoint("tcp", "Host.example.", 65535)),
    ],
)
def test_ways_to_write_one(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "an endpoint is needed, such as tcp://127.0.0.1:5005"),
        ("gopher://a:1", f"unknown scheme 'gopher': one of {', '.join(SCHEMES)}"),
        ("localhost", "the port is missing: write 'localhost':port"),
        ("tcp://", "the port is missing: write host:port"),
        ("localhost:", "the port is missing: a number from 0 to 65535"),
        ("localhost:http", "the port is wrong: 'http' is no number from 0 to 65535"),
        ("localhost:65536", "the port is wrong: '65536' is no number from 0 to 65535"),
        ("localhost:-1", "the port is wrong: '-1' is no number from 0 to 65535"),
        ("localhost:0x50", "the port is wrong: '0x50' is no number from 0 to 65535"),
        ("localhost:\u0665", "the port is wrong: '\\u0665' is no number from 0 to 65535"),
        ("a:80/path", "the port is wrong: '80/path' is no number from 0 to 65535"),
        ("::1:80", "the host is wrong: an IPv6 address stands in brackets, [::1]:5005"),
        ("[::1:80", "the host is wrong: '[' without ']'"),
        ("[::1]", "the port is missing: write [address]:port"),
        ("[::1]80", "the port is missing: write [address]:port"),
        ("[::g]:80", "the host is wrong: '::g' is no IPv6 address"),
        ("[127.0.0.1]:80", "the host is wrong: '127.0.0.1' is no IPv6 address"),
        ("[fe80::1%]:80", "the host is wrong: 'fe80::1%' is no IPv6 address"),
        ("1.2.3.400:80", "the host is wrong: '1.2.3.400' is no IPv4 address"),
        ("1.2.3:80", "the host is wrong: '1.2.3' is no IPv4 address"),
        ("a b:80", "the host is wrong: 'a b' is neither a name nor an address"),
        ("-a:80", "the host is wrong: '-a' is neither a name nor an address"),
        ("a..b:80", "the host is wrong: 'a..b' is neither a name nor an address"),
        ("\x1b[2J:80", "the host is wrong: '\\x1b[2J' is neither a name nor an address"),
    ],
)
def test_the_wrong_part_is_named(text: str, why: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.parse(text)
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("fe80::1%lo", False),
        ("localhost.example", False),
    ],
)
def test_who_can_reach_it(host: str, loopback: bool) -> None:
    assert Endpoint("tcp", host, 1).loopback is loopback


def test_an_address_of_the_kernel() -> None:
    assert Endpoint.of_address("tcp", ("::1", 80, 0, 0)) == Endpoint.parse("[::1]:80")
    assert Endpoint.of_address("tcp", ("127.0.0.1", 80)) == Endpoint.parse(":80")


characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
no_utf8 = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
paths = st.text(characters | no_utf8, min_size=1, max_size=30).filter(lambda text: text.strip("@"))


@pytest.mark.parametrize("text", ["unix:///\ud800", "unix:///x?replace=\ud800", "tcp://\udfff:80"])
def test_half_a_character_is_wrong(text: str) -> None:
    with pytest.raises(EndpointError, match="stands for no character"):
        Endpoint.parse(text)
    with pytest.raises(EndpointError, match="stands for no character"):
        Endpoint.at("unix", text)


@given(scheme=st.sampled_from(["unix", "unix-dgram", "unix-seqpacket"]), path=paths, replace=st.booleans())
def test_a_path_is_printed_as_it_is_parsed(scheme: str, path: str, replace: bool) -> None:
    endpoint = Endpoint(scheme, path=path, options=(("replace", "yes"),) if replace else ())
    assert Endpoint.parse(str(endpoint)) == endpoint
    assert Endpoint.at(scheme, path) == Endpoint(scheme, path=path)
    assert endpoint.loopback


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("udp://:53", Endpoint("udp", "127.0.0.1", 53)),
        ("udp://[ff02::1%lo]:9", Endpoint("udp", "ff02::1%lo", 9)),
        ("udp://:9?ttl=3&loop=no", Endpoint("udp", "127.0.0.1", 9, options=(("ttl", "3"), ("loop", "no")))),
        ("unix:///run/x.sock", Endpoint("unix", path="/run/x.sock")),
        ("unix:///run/a%3Fb%25", Endpoint("unix", path="/run/a?b%")),
        ("unix-seqpacket://@name", Endpoint("unix-seqpacket", path="@name")),
        ("unix://x?replace=yes", Endpoint("unix", path="x", options=(("replace", "yes"),))),
        ("tls://host:443?verify=no", Endpoint("tls", "host", 443, options=(("verify", "no"),))),
        ("ws://host", Endpoint("ws", "host", 80, "/")),
        ("ws://[::1]/a/b?c=d", Endpoint("ws", "::1", 80, "/a/b?c=d")),
        ("wss://h/p?verify=no&t=1", Endpoint("wss", "h", 443, "/p?t=1", (("verify", "no"),))),
        ("telnet://host", Endpoint("telnet", "host", 23)),
        ("icmp://[::1]", Endpoint("icmp", "::1")),
        ("raw://127.0.0.1:253", Endpoint("raw", "127.0.0.1", 253)),
    ],
)
def test_every_scheme(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("unix://", "the path is missing: write unix:///run/x.sock, or unix://@name for an abstract one"),
        ("unix://@", "the path is missing: write unix:///run/x.sock, or unix://@name for an abstract one"),
        ("unix:///a%00b", "the path is wrong: it has a zero byte in it"),
        (f"unix:///{'x' * PATH_MAX}", "the path is too long: 108 bytes, and a UNIX socket's has at most 107"),
        ("tcp://:1?x=y", "the option 'x=y' is wrong: tcp has none"),
        ("udp://:1?x=y", "unknown option 'x': udp has broadcast, group, interface, ttl, loop"),
        ("udp://:1?ttl=256", "the option ttl is wrong: '256' is not a number from 0 to 255"),
        ("udp://:1?loop=maybe", "the option loop is wrong: 'maybe' is not yes or no"),
        ("tls://h:1?ca=", "the option ca is wrong: '' is not a text"),
        ("tls://h", "the port is missing: write 'h':port"),
        ("raw://h:256", "the protocol is wrong: '256' is no number from 0 to 255"),
        ("ws://h/a b", "the path is wrong: '/a b' has what a URL cannot have, write it as %20 and so on"),
        ("icmp://h:1", "the host is wrong: an IPv6 address stands in brackets, [::1]:5005"),
    ],
)
def test_the_wrong_part_of_other_schemes_is_named(text: str, why: str) -> None:
    with pytest.raises(EndpointError) as caught:
        Endpoint.parse(text)
    assert str(caught.value) == why


def test_the_longest_path_there_is() -> None:
    assert Endpoint.parse(f"unix:///{'x' * (PATH_MAX - 1)}").path == f"/{'x' * (PATH_MAX - 1)}"
    assert Endpoint.parse(f"unix://@{'x' * PATH_MAX}").path == f"@{'x' * PATH_MAX}"


def test_options_are_set_once() -> None:
    endpoint = Endpoint.parse("unix://x")
    assert endpoint.option("replace") == ""
    again = endpoint.with_option("replace", "no").with_option("replace", "yes")
    assert again.option("replace") == "yes"
    assert str(again) == "unix://x?replace=yes"
