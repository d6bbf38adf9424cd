"""How many runs ended and how long they took, by app, task type or job, as callers get it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.figures import DAY_MINUTES, ScopeQuery
from api.schemas.paging import Filter
from api.schemas.paging import Limit as PageLimit
from api.schemas.values import Shown
from services.reading.statistics.run_figures import By, WantedFigures


class RunFiguresQuery(ScopeQuery):
    """How to group ended runs, over how many of the last minutes, of which jobs, and how many rows at most."""

    by: Literal["app", "task_type", "job"] = "app"
    minutes: Annotated[int, Field(ge=1, le=DAY_MINUTES)] = 60
    task_type: Filter | None = None
    limit: PageLimit = 50

    def asked(self) -> WantedFigures:
        """Returns this as the services take it."""
        jobs = replace(self.wanted(), task_type=self.task_type)
        return WantedFigures(By(self.by), jobs, self.minutes, self.limit)


class RunFigures(Shown):
    """The runs that ended of an app, of a task type of an app, or of a job; members not counted by are null.

    `ended` includes cancelled runs besides `completed` and `failed` ones; runs that were skipped or missed do not
    count. Of those that completed, half took no longer than `duration_p50_seconds`, and 95 of 100 no longer than
    `duration_p95_seconds`; null if none did. A run took as long as the attempt that ended it, without earlier ones and
    the waits between them.
    """

    app_name: str
    task_type: str | None
    job_id: UUID | None
    job_name: str | None
    job_title: str | None
    ended: int
    completed: int
    failed: int
    duration_p50_seconds: float | None = Field(validation_alias="p50_seconds")
    duration_p95_seconds: float | None = Field(validation_alias="p95_seconds")


class FiguresOfRuns(Shown):
    """The apps, task types or jobs of which most runs ended, of `count`, by the runs that are kept.

    Runs of deleted jobs do not count. Of the span, only the newest 100,000 ended runs of the installation are read: if
    there are more, `runs_are_cut` is true and `counted_since` says from when on they are counted (of those of that very
    instant, not all are). Figures may be 5 seconds old where 1,000 runs or more of the installation ended in the span,
    or, by app and task type, in the hour or the day around it.
    """

    counted_since: datetime
    runs_are_cut: bool
    count: int
    results: list[RunFigures]
