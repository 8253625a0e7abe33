"""Which services a server of each scheme can have: as docs/sockets.md lists them, and test_families.py tries them."""

from socktui.core.endpoint import SCHEMES
from socktui.services import SERVICES


def served(scheme: str) -> list[str]:
    """The names of the services, in the order of the table; none where there is no server."""
    kind = SCHEMES[scheme]
    return [name for name, each in SERVICES.items() if kind.serves and (each.messages or not kind.messages)]
