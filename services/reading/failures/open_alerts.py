"""Open alerts: the jobs whose owners were alerted that they fail or are late, and that have not recovered since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.alerting import FAILURES_IN_ROW, AlertKind
from core.filters import JobFilter
from core.principals import Principal
from models import database, open_alerts
from models.open_alerts import AlertedJob
from services.reading.visibility import visible

MAX_LISTED = 100


@dataclass(frozen=True)
class OpenAlert:
    """A job with an open alert: it has failed `failures_in_row` times in a row, or has been late since an instant.

    A success ends both.
    """

    kind: AlertKind
    job_id: UUID
    job_name: str | None
    job_title: str | None
    app_name: str
    task_type: str
    failures_in_row: int
    late_since: datetime | None


@dataclass(frozen=True)
class OpenAlerts:
    """The open alerts, the most failures in a row first; `is_cut` if there are more."""

    results: list[OpenAlert]
    is_cut: bool

    @property
    def failing(self) -> list[OpenAlert]:
        """Returns the alerts of jobs that fail on every run."""
        return [one for one in self.results if one.kind is AlertKind.FAILING]


NONE = OpenAlerts([], is_cut=False)


def listed(principal: Principal, wanted: JobFilter | None = None) -> OpenAlerts:
    """Returns the first 100 open alerts of matching jobs that the principal may see."""
    with database.reading():
        found = open_alerts.newest(visible(principal, wanted or JobFilter()), MAX_LISTED + 1)
    return OpenAlerts([_view(one) for one in found[:MAX_LISTED]], len(found) > MAX_LISTED)


def _view(found: AlertedJob) -> OpenAlert:
    kind = AlertKind.FAILING if found.failures_in_row >= FAILURES_IN_ROW else AlertKind.LATE
    return OpenAlert(kind, *found)
