"""Sockets that are real, calls that are recorded, and the tasks that run them."""
