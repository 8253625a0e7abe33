"""WebSocket (RFC 6455): a connection of messages, strict in both directions."""
