"""Handlers, which perform each kind of task, and their building blocks."""
