"""A socket in the kernel's table, as ss(8) shows it."""

from dataclasses import dataclass

# linux/tcp_states.h, spelled as ss(8) does
STATES = {
    1: "ESTAB",
    2: "SYN-SENT",
    3: "SYN-RECV",
    4: "FIN-WAIT-1",
    5: "FIN-WAIT-2",
    6: "TIME-WAIT",
    7: "UNCONN",
    8: "CLOSE-WAIT",
    9: "LAST-ACK",
    10: "LISTEN",
    11: "CLOSING",
}
LISTEN = 1 << 10
EVERY_STATE = 0xFFF

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A socket in the kernel's table.

    local, peer     host and port; of a raw socket the host and the protocol; of a UNIX socket the path, or `@name`,
                    and the inode. An end that has no name has an empty one
    recv_q, send_q  bytes; of a listener its accept queue and its backlog. Of UDP the memory that datagrams take up
    """

    state: str
    local: Address
    peer: Address
    recv_q: int
    send_q: int
    inode: int
    netid: str = "tcp"


def state_name(number: int) -> str:
    """`ESTAB` for 1."""
    return STATES.get(number, str(number))
