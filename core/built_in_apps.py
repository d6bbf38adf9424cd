"""The apps that every installation has, created on first use; similar spellings of their names mean the same apps."""

from __future__ import annotations

from core import names

DEFAULT = "default"
TASKS = "tasks"
SCHEDULER = "scheduler"
JOBS = "jobs"
NAMES = frozenset({DEFAULT, TASKS, SCHEDULER, JOBS})
_BY_LIKENESS = {names.folded(name): name for name in NAMES}


def canonical(name: str) -> str:
    """Returns a built-in app's name for a name that looks like it, any other name unchanged."""
    return _BY_LIKENESS.get(names.folded(name), name)
