"""Screens that lie over the workbench."""
