"""Failures as callers get them, grouped by cause."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.paging import Filter, Query
from api.schemas.values import Shown
from core.filters import JobFilter

MONTH_HOURS = 31 * 24


class FailuresQuery(Query):
    """How far back, and of which jobs."""

    hours: Annotated[int, Field(ge=1, le=MONTH_HOURS)] = 24
    app_name: Filter | None = None
    account_id: Filter | None = None
    task_type: Filter | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id, task_type=self.task_type)


class FailureGroup(Shown):
    """Runs that failed for one reason. `reason` is what their errors share; actions on runs take it as `failure`.

    The run, the error and the job are those of the newest; `repeated` counts those that another run repeats.
    """

    app_name: str
    task_type: str
    reason: str
    error_type: str | None
    message: str | None
    count: int
    repeated: int
    accounts: list[str]
    first_at: datetime
    last_at: datetime
    run_id: UUID
    job_id: UUID
    job_name: str | None


class Failures(Shown):
    """The newest 1,000 runs that failed for good, grouped; `is_cut` where more failed."""

    groups: list[FailureGroup]
    count: int
    is_cut: bool
