"""TLS (RFC 8446, RFC 5246): a connection in clear over a stream, and whose certificates are trusted."""
