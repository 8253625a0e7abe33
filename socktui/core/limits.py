"""The defaults and bounds of what can be asked for, said once. It imports nothing: the command line reads it."""

BUFFER_SIZE = 65536
"""Bytes that each recv(2) asks for, unless another size is set."""

BUFFER_MAX = 1 << 20
"""Bytes that one recv(2) may ask for, and that a datagram or a packet may have: the ring holds many of them."""

BACKLOG = 1024
"""Connections that may wait to be accepted, as listen(2) is told."""

BACKLOG_MAX = 65535
"""The most that listen(2) is told. The kernel cuts it to net.core.somaxconn (4096 by default) without a word, and that
was a 16-bit number up to Linux 5.3: more than this is a slip of the finger, and is refused rather than passed on."""

CONNECT_SECONDS = 10.0
"""How long a connect may take, its name's resolution included."""

CONNECT_SECONDS_MAX = 1e9

DISK_FLOOR_MIB = 256
DISK_FLOOR = DISK_FLOOR_MIB << 20
"""Bytes of free disk below which calls are kept without their bytes."""

REPEAT_MAX = 1_000_000
"""How often one send may be repeated."""

INTERVAL_MAX = 86_400_000
"""Milliseconds from one repetition to the next: a day."""
