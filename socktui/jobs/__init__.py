"""Coroutines that are resumed straight from readiness: what runs on every connection."""
