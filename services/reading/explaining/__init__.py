"""Explains in words why a run did or did not happen, and what held it."""
