"""Dramatiq actors: take a run's id, perform its task under a lease, record the result."""
