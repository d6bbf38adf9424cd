"""What both databases offer for the hot paths: the functions of `postgresql` and `sqlite`, with their types."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from models.hot.rows import EndRows, NewRows, Row, Stored, Terms


class HotStatements(Hashable, Protocol):
    """The hot statements of one database, and how it writes and reads values.

    The members of the rows are as the driver returns them: `uuid` and `instant` read them.
    """

    MARK: str
    AMONG: str

    def candidates(self, queue: str, room: int, now: datetime, after: Mapping[int, str]) -> Iterable[Row]:
        """Lock the most urgent runs of a queue that are due and not held."""

    def limited(
        self, keys: Collection[str], by_default: Collection[str], span: timedelta, now: datetime
    ) -> Iterable[Row]:
        """Lock the limited ones of these keys. Returns the limit and the use of each."""

    def start(self, run_ids: Collection[UUID], terms: Terms, uses: Sequence[tuple[str, UUID]]) -> Iterable[Row]:
        """Start picked runs. Returns them with their jobs."""

    def claim(self, queue: str, room: int, terms: Terms, after: Mapping[int, str]) -> Iterable[Row]:
        """Pick and start the most urgent runs of a queue without limits."""

    def lock_ended(
        self, job_ids: Collection[UUID], run_ids: Collection[UUID], *, waits_for_locks: bool
    ) -> Iterable[Row]:
        """Lock jobs, and those of these runs that are running. Returns each job with each of its runs."""

    def end(self, ends: EndRows, now: datetime) -> None:
        """Write all consequences of the ends of attempts."""

    def insert_runs(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store runs; one that exists already stays as it is."""

    def known_apps(self, name_keys: Collection[str]) -> Iterable[Row]:
        """Returns the apps with these names, in the form that ignores spelling."""

    def create(self, rows: NewRows) -> Stored:
        """Store new jobs, their tags and first runs."""

    def existing_jobs(self, job_ids: Collection[UUID]) -> Iterable[Row]:
        """Returns the ids of those of these jobs that exist."""

    def instant(self, value: Any) -> Any:
        """Returns the instant that a column holds; None for NULL."""

    def uuid(self, value: Any) -> UUID:
        """Returns the id that a column holds."""

    def ids(self, given: Collection[UUID]) -> Any:
        """Returns ids as one parameter, for `AMONG`."""

    def as_stored(self, value: Any) -> Any:
        """Returns a value as a parameter."""
