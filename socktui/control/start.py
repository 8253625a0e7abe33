"""What the command line asks to be made at the start, in the workbench as without a screen."""

from dataclasses import dataclass

from socktui.control.verbs import Connect, Listen
from socktui.core.endpoint import Endpoint


@dataclass(frozen=True)
class Start:
    """One listener or one connection.

    data  what is sent as soon as it is connected
    """

    verb: Listen | Connect
    data: bytes = b""

    @property
    def listens(self) -> bool:
        """Whether it is a listener."""
        return isinstance(self.verb, Listen)


def open_to_others(endpoint: Endpoint) -> bool:
    """Whether other machines can reach a server there: by its address, or by a group that it joins."""
    group = endpoint.option("group") and endpoint.option("interface") != "lo"
    return bool(group) or not endpoint.loopback
