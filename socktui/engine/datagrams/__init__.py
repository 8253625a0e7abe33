"""Sockets that keep the borders of what is sent: UDP, UNIX datagrams, ICMP and raw IP."""
