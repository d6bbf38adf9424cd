"""Open alerts as callers get them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.schemas.paging import Filter, Query
from api.schemas.values import Shown
from core.alerting import AlertKind
from core.filters import JobFilter


class AlertsQuery(Query):
    """Whose alerts; all if nothing is given."""

    app_name: Filter | None = None
    account_id: Filter | None = None

    def wanted(self) -> JobFilter:
        """Returns the filter of the jobs in alert."""
        return JobFilter(app_name=self.app_name, account_id=self.account_id)


class OpenAlert(Shown):
    """A job whose owner was alerted and that has not recovered since: `failing`, or `late` since an instant.

    `failures_in_row` counts failures without a success between: of a job that recurs its runs, replays excluded, of
    others their attempts. A success, also of a replay, ends the alert.
    """

    kind: AlertKind
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    failures_in_row: int
    late_since: datetime | None


class OpenAlerts(Shown):
    """The open alerts, the first 100, most failures in a row first; `is_cut` where there are more."""

    results: list[OpenAlert]
    is_cut: bool
