"""Handlers: one file for each kind of task, with the function that performs it."""
