"""The apps that come with every installation: made on first use, and nobody can have one that only looks like them."""

from __future__ import annotations

from core import names

DEFAULT = "default"
TASKS = "tasks"
SCHEDULER = "scheduler"
JOBS = "jobs"
NAMES = frozenset({DEFAULT, TASKS, SCHEDULER, JOBS})
_BY_LIKENESS = {names.folded(name): name for name in NAMES}


def canonical(name: str) -> str:
    """Returns the built-in app's name for one that looks like it, any other name as it is."""
    return _BY_LIKENESS.get(names.folded(name), name)
