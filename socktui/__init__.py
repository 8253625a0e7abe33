"""A terminal workbench for sockets."""

__version__ = "0.1.0"
