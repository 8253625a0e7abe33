"""What went wrong, in one sentence, with the errno's name for programs that read it."""

import errno
import os
import socket as sockets

import pytest

from socktui.control.explain import explain
from socktui.core.endpoint import Endpoint

LINK_LOCAL = ["tcp://[fe80::1]:80", "udp://[fe80::1]:80", "tls://[fe80::1]:443", "wss://[fe80::1]", "icmp://[fe80::1]"]


def test_a_sentence_of_the_engines_own_keeps_the_errno_that_it_came_from() -> None:
    try:
        try:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        except PermissionError as error:
            raise OSError("raw sockets need the right CAP_NET_RAW (EPERM)") from error
    except OSError as error:
        told = explain(error, Endpoint.parse("raw://127.0.0.1:253"))
    assert told.text == "raw://127.0.0.1:253: raw sockets need the right CAP_NET_RAW (EPERM)"
    assert told.errno == "EPERM"


def test_one_that_came_from_nothing_has_none() -> None:
    told = explain(OSError("a client joins no group"))
    assert (told.text, told.errno) == ("a client joins no group", "")


@pytest.mark.parametrize("text", LINK_LOCAL)
def test_a_link_local_address_needs_its_interface(text: str) -> None:
    told = explain(OSError(errno.EINVAL, os.strerror(errno.EINVAL)), Endpoint.parse(text))
    assert told.text.endswith("(EINVAL): the kernel takes no such address: a link-local one needs its %interface")
    assert told.errno == "EINVAL"


@pytest.mark.parametrize("text", LINK_LOCAL)
def test_an_interface_that_there_is_not(text: str) -> None:
    endpoint = Endpoint.parse(text.replace("]", "%nowhere]"))
    told = explain(sockets.gaierror(sockets.EAI_NONAME, "Name or service not known"), endpoint)
    assert told.text == f"{endpoint}: there is no interface nowhere (EAI_NONAME)"
    assert told.errno == "EAI_NONAME"
