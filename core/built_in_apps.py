"""The apps that come with every installation: created on first use; names that look like theirs mean them."""

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
