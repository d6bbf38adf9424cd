"""004: its app, its paths, its words for priorities and members."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

from api.sources.source import Source, plain_status
from core import built_in_apps
from core.filters import JobFilter, StatusesOfApp
from core.states import JobStatus

SOURCE = Source(built_in_apps.JOBS, ("/jobs/",), tells_error=False)
FIELDS = {"title": "name", "deadline_at": "deadline"}

PriorityWord = Literal["high", "medium", "low"]
# The lowest priority that each word means.
PRIORITY_FROM: tuple[tuple[int, PriorityWord], ...] = ((7, "high"), (4, "medium"), (0, "low"))

StatusWord = Literal["pending", "running", "completed", "failed", "cancelled", "paused"]
STATUSES: tuple[StatusWord, ...] = get_args(StatusWord)


def with_status(word: StatusWord) -> JobFilter:
    """Returns the filter of the jobs that 004 shows with a status."""
    meant = tuple(status for status in JobStatus if plain_status(status) == word)
    return replace(SOURCE.jobs(), status=meant[0], status_but=StatusesOfApp(SOURCE.app_name, meant))


def priority_word(priority: int) -> PriorityWord:
    """Returns the word for a priority."""
    return next(word for least, word in PRIORITY_FROM if priority >= least)
