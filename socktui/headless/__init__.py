"""The program without its screen: the same engine and the same captures, for scripts and other machines."""
