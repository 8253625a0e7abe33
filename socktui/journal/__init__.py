"""The capture on disk: written by whoever makes calls, read by whoever shows them."""
