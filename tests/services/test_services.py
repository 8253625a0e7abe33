"""The list of services, and how one of them is asked for."""

import subprocess
import sys
from pathlib import Path

import pytest

from socktui.services import SERVICES, ServiceError, service


def test_the_table() -> None:
    assert list(SERVICES)[:7] == ["echo", "discard", "chargen", "qotd", "daytime", "time", "manual"]
    for name, each in SERVICES.items():
        assert each.name == name
        assert each.summary
        assert "\n" not in each.summary
        assert not (each.default and not each.argument)


@pytest.mark.parametrize("name", [name for name, each in SERVICES.items() if not each.argument or each.default])
def test_a_name_alone(name: str) -> None:
    found, function = service(name)
    assert found is SERVICES[name]
    assert callable(function)


def test_names_and_arguments(tmp_path: Path) -> None:
    rules = tmp_path / "a=b.toml"
    rules.write_text("")
    for spec in (
        "slow=1",
        "slow=1000000000",
        "slow=",
        "close-after=20",
        "reset-after=1",
        "literal=a=b",
        f"script={rules}",
    ):
        assert service(spec)[0].name == spec.partition("=")[0]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("", "no service '': one of echo, discard, chargen, "),
        ("ECHO", "no service 'ECHO': one of echo, "),
        ("\x1b]0;x\x07", r"no service '\x1b]0;x\x07': one of echo, "),
        ("echo=5", "echo takes no argument"),
        ("echo=", "echo takes no argument"),
        ("literal", "literal needs an argument: literal=TEXT, WITH ESCAPES"),
        ("literal=", "literal needs an argument: literal=TEXT, WITH ESCAPES"),
        ("script", "script needs an argument: script=FILE OF RULES, IN TOML"),
        (r"literal=\q", r"literal=\q: \q is no escape that is known here"),
        ("literal=\x1b\n\\q", "literal=␛␊\\q: \\q is no escape that is known here"),
        ("slow=ten", "slow=ten: 'ten' is no number from 1 to 1000000000"),
        ("slow=0", "slow=0: '0' is no number"),
        ("slow=-1", "slow=-1: '-1' is no number"),
        ("slow=1.5", "slow=1.5: '1.5' is no number"),
        ("slow=²", "slow=²: '²' is no number"),
        ("slow=1000000001", "slow=1000000001: '1000000001' is no number"),
        ("close-after=" + "9" * 5000, "close-after=" + "9" * 40 + ": '" + "9" * 40 + "' is no number"),
        ("script=/nowhere/x.toml", "script=/nowhere/x.toml: /nowhere/x.toml cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_sentence(spec: str, sentence: str) -> None:
    with pytest.raises(ServiceError) as error:
        service(spec)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_the_list_of_services_is_light() -> None:
    """The command line and the screen show it: it brings nothing that only a running service needs."""
    heavy = "{'asyncio', 'h11', 'json', 'tomllib', 'email', 'signal'}"
    program = f"import sys, socktui.services; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
