"""Dramatiq actors: take an id, do one thing."""
