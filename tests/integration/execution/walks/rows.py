"""All rows that decide about runs, as plain values: read before a step and after it, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, TypeVar
from uuid import UUID

from core.schedules import RECURRING_KINDS
from core.states import Hold, JobState, RunStatus
from models import database
from models.tables import Alert, AnyAttempt, App, Attempt, Installation, Job, Run, RunHold
from models.tables.base import Table

Row = dict[str, Any]
Key = TypeVar("Key")


@dataclass
class Rows:
    """Jobs, runs and alerts by their ids, attempts by run and number, and which apps are paused."""

    jobs: dict[UUID, Row]
    runs: dict[UUID, Row]
    attempts: dict[tuple[UUID, int], Row]
    alerts: list[Row]
    paused_apps: set[UUID]

    def copy(self) -> Rows:
        """Returns the same rows, to be changed."""
        return Rows(_copied(self.jobs), _copied(self.runs), _copied(self.attempts), [*self.alerts], self.paused_apps)

    def runs_of(self, job_id: UUID, *statuses: RunStatus) -> list[Row]:
        """A job's runs in these statuses, in the order of their instants."""
        found = [run for run in self.runs.values() if run["job"] == job_id and run["status"] in statuses]
        return sorted(found, key=lambda run: (run["scheduled_for"], run["id"]))

    def running(self) -> list[Row]:
        """Every run that is running."""
        return [run for run in self.runs.values() if run["status"] is RunStatus.RUNNING]

    def open_attempt(self, run_id: UUID) -> Row | None:
        """The current attempt at a run."""
        return next((one for one in self.attempts_at(run_id) if one["finished_at"] is None), None)

    def attempts_at(self, run_id: UUID) -> Iterator[Row]:
        """The attempts at a run."""
        return (one for one in self.attempts.values() if one["run"] == run_id)

    def is_paused(self, job_id: UUID) -> bool:
        """Whether a job is paused: by itself, with its app, or with everything."""
        job = self.jobs[job_id]
        return job["state"] is JobState.PAUSED or job["app"] in self.paused_apps


def read() -> Rows:
    """All rows as they are stored now."""
    with database.reading():
        names = {app.id: app.name for app in App.select()}
        everything = Installation.get_by_id(1).paused_at is not None
        return Rows(
            jobs={row["id"]: {**row, "app_name": names[row["app"]]} for row in _all(Job)},
            runs={row["id"]: row for row in _all(Run)},
            attempts={(row["run"], row["number"]): row for row in _all(AnyAttempt)},
            alerts=[{name: row[name] for name in ("job", "kind", "failures", "words")} for row in _all(Alert)],
            paused_apps={app.id for app in App.select() if everything or app.paused_at is not None},
        )


def kept_attempts() -> Counter[UUID]:
    """How many attempts at each run are stored as rows of their own."""
    with database.reading():
        return Counter(row["run"] for row in _all(Attempt))


def holds() -> dict[UUID, list[Row]]:
    """The holds of runs, in order, by the run."""
    of_runs: dict[UUID, list[Row]] = {}
    with database.reading():
        for hold in _all(RunHold):
            of_runs.setdefault(hold["run"], []).append(hold)
    return of_runs


def _copied(rows: dict[Key, Row]) -> dict[Key, Row]:
    return {key: dict(row) for key, row in rows.items()}


def _all(table: type[Table]) -> Iterator[Row]:
    """All rows of a table in the order of their keys; peewee would take long to write out the SELECT."""
    return iter(table.raw(f"SELECT * FROM {table._meta.table_name} ORDER BY 1, 2").dicts())  # noqa: S608  a name of ours


def recurs(job: Row) -> bool:
    """Whether a job recurs: its schedule names instants known ahead."""
    return job["schedule_kind"] in RECURRING_KINDS


def waits_for_turn(run: Row) -> bool:
    """Whether a run waits for another of its job to end."""
    return run["status"] is RunStatus.QUEUED and run["held_by"] is Hold.OVERLAP


def assert_alike(found: Rows, expected: Rows) -> None:
    """Compare rows whole; runs that are new are compared but for their ids, which nobody can foretell."""
    told = [f"{field.name}: {line}" for field in fields(Rows) for line in _told(field.name, found, expected)]
    assert not told, "\n".join(["what is stored differs from what core decides:", *told])


def _told(name: str, found: Rows, expected: Rows) -> list[str]:
    one, other = getattr(found, name), getattr(expected, name)
    if not isinstance(one, dict):
        return [] if sorted(map(str, one)) == sorted(map(str, other)) else [f"{one}, expected {other}"]
    new, foretold = (
        [row for key, row in rows.items() if key not in both] for rows, both in ((one, other), (other, one))
    )
    told = [
        f"{key} {column} = {one[key][column]!r}, expected {value!r}"
        for key in one.keys() & other.keys()
        for column, value in other[key].items()
        if one[key][column] != value
    ]
    if sorted(str(_but_id(row)) for row in new) != sorted(str(_but_id(row)) for row in foretold):
        told.append(f"new {new}, expected {foretold}")
    return told


def _but_id(row: Row) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in row.items() if name != "id")
