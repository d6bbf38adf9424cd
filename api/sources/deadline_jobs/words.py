"""004: its app, its paths, its words for priorities and members."""

from __future__ import annotations

from typing import Literal

from api.sources.source import Source
from core import built_in_apps

SOURCE = Source(built_in_apps.JOBS, ("/jobs/",), tells_error=False)
FIELDS = {"title": "name", "deadline_at": "deadline"}

PriorityWord = Literal["high", "medium", "low"]
# The lowest priority that each word stands for.
PRIORITY_FROM: tuple[tuple[int, PriorityWord], ...] = ((7, "high"), (4, "medium"), (0, "low"))


def priority_word(priority: int) -> PriorityWord:
    """Returns the word for a priority."""
    return next(word for least, word in PRIORITY_FROM if priority >= least)
