"""The byte log: every byte that moved, in rows of hex and text."""
