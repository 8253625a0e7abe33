"""What this machine's kernel tells of its sockets."""
