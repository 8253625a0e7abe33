"""The format as C has it: `python -m socktui.journal.c_header > socktui/journal/_format.h`, or `make header`.

Whatever C knows of a capture is made from journal/format.py and the enumerations of core: nothing is written twice.
"""

import sys
from collections.abc import Iterable, Iterator

from socktui.core.call import Function, Layer
from socktui.core.sockets import End, Role, State
from socktui.journal import format

_TYPES = {"Q": "uint64_t", "I": "uint32_t", "i": "int32_t", "H": "uint16_t", "B": "uint8_t", "f": "float"}
_NAMES = {"errno": "error"}
"""What is called otherwise in C, where `errno` is a macro."""

_HEAD = """\
/* Made by `make header` from journal/format.py, where everything below is explained. Not to be changed by hand. */
#ifndef SOCKTUI_FORMAT_H
#define SOCKTUI_FORMAT_H

#include <stddef.h>
#include <stdint.h>
"""


def header() -> str:
    """The text of `_format.h`."""
    parts = [
        _HEAD,
        _enum("A record's function", ((function.name, function) for function in Function)),
        _enum("Its layer", ((f"LAYER_{layer.name}", layer) for layer in Layer)),
        _enum("Its flags", (("UNDER", format.UNDER), ("MESSAGE", format.MESSAGE))),
        _enum("A socket's role", ((f"ROLE_{role.name}", role) for role in Role)),
        _enum("Its state", ((f"STATE_{state.name}", state) for state in State)),
        _enum("Its end", ((f"END_{end.name}", end) for end in End)),
        _enum("Where the numbers of the header of `calls` are", _header_places()),
        _struct("record", format.RECORD_FIELDS, format.RECORD_SIZE),
        _struct("slot", format.SLOT_FIELDS, format.SLOT_SIZE),
        "#endif\n",
    ]
    return "\n".join(parts)


def _header_places() -> Iterator[tuple[str, int]]:
    yield "HEADER_SIZE", format.HEADER_SIZE
    for name, at in format.offsets(format.HEADER_FIELDS).items():
        yield f"{name.upper()}_AT", at


def _enum(what: str, members: Iterable[tuple[str, int]]) -> str:
    lines = [f"/* {what} */", "enum {", *(f"    {name} = {int(number)}," for name, number in members), "};", ""]
    return "\n".join(lines)


def _struct(name: str, fields: dict[str, str], size: int) -> str:
    """A struct without gaps, and what says so to the compiler."""
    lines = [f"struct {name} {{"]
    lines += [f"    {_TYPES[code]} {_NAMES.get(field, field)};" for field, code in fields.items()]
    places = format.offsets(fields)
    last, code = list(fields.items())[-1]
    end = places[last] + format.size_of(code)
    if end < size:
        lines.append(f"    unsigned char spare[{size - end}];")
    lines += ["};", f'_Static_assert(sizeof(struct {name}) == {size}, "a {name} has {size} bytes");']
    for field, at in places.items():
        c_name = _NAMES.get(field, field)
        lines.append(f'_Static_assert(offsetof(struct {name}, {c_name}) == {at}, "{name}.{c_name} is at {at}");')
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(header())
