"""News: what was changed since a look, or since a cursor that a listener brings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from core.cursors import Cursor
from models import change_rows
from models.change_rows import Changed
from models.changes import EVERY_APP

MAX_ROWS = 5_000
MAX_BYTES = 512 * 1024
MAX_OPEN = 1_000
"""Bounds on what one look reads again for all listeners that come back: rows, bytes, and transactions that were open.

A caller can make up any cursor: without these bounds, hundreds of them would have the changes of minutes read for each.
"""


@dataclass(frozen=True)
class News:
    """What was changed: jobs, also those of which only runs were; runs, each with its job; apps as a whole."""

    jobs: frozenset[UUID]
    runs: Mapping[UUID, UUID]
    apps: frozenset[UUID]

    @classmethod
    def of(cls, changed: Changed, jobs_of_runs: Mapping[UUID, UUID]) -> News:
        """Returns what was changed, given the jobs of the runs that exist."""
        runs = {run: jobs_of_runs[run] for run in changed.runs if run in jobs_of_runs}
        return cls(changed.jobs | frozenset(runs.values()), runs, changed.apps)

    def is_of_app(self, app_id: UUID) -> bool:
        """Whether too much of the app changed to be listed, so that it must be loaded again as a whole."""
        return app_id in self.apps or EVERY_APP in self.apps


class Missed:
    """What was changed since each of some cursors; in the transaction of a look."""

    def __init__(self, now: Cursor, cursors: Collection[Cursor]) -> None:
        self._now = now
        snapshots = [one.snapshot for one in cursors if one.reaches(now)]
        first = min((one.end for one in snapshots), default=now.snapshot.end)
        self._rows, self._whole_from = change_rows.newest(first, MAX_ROWS, MAX_BYTES)
        were_open = sorted({number for one in snapshots for number in one.open if number < self._whole_from})
        self._asked = frozenset(were_open[-MAX_OPEN:])
        self._of_open, from_open = change_rows.newest_of(self._asked, MAX_ROWS, MAX_BYTES)
        self._asked = frozenset(number for number in self._asked if number >= from_open)
        self._jobs_of_runs: dict[UUID, UUID] = {}

    def since(self, cursor: Cursor) -> News | None:
        """Returns what was changed since a cursor; None if that was pruned, is too much, or is of another database."""
        seen = cursor.snapshot
        were_open = frozenset(seen.open)
        before = frozenset(number for number in were_open if number < self._whole_from)
        if not cursor.reaches(self._now) or seen.end < self._whole_from or before - self._asked:
            return None
        of_open = (one for one in self._of_open if one.number in before)
        rows = (one for one in self._rows if one.number >= seen.end or one.number in were_open)
        changed = Changed.of(one.changed for one in (*rows, *of_open))
        self._jobs_of_runs.update(change_rows.jobs_of_runs(changed.runs - self._jobs_of_runs.keys()))
        return News.of(changed, self._jobs_of_runs)
