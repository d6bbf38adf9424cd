"""What the overview shows to readers who see no charts of the installation: figures of the runs of their own apps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from core.filters import JobFilter
from core.principals import Principal
from core.states import RunStatus
from pages import formats
from pages.series import RANGES, Range
from services.reading.statistics.run_figures import By, Figures, FiguresView, RunFigures, WantedFigures

SHOWN = 20
_PATH = "/dashboard/"
_DAY_MINUTES = 1_440
SPANS = {key: one for key, one in RANGES.items() if one.minutes <= _DAY_MINUTES}
_LONGEST = list(SPANS)[-1]


@dataclass(frozen=True)
class OwnFigures:
    """The figures of a span: by app, or those of one app by task type; `asked_app` if the address names it."""

    figures: Figures
    span: str
    app_name: str | None
    asked_app: str | None

    @property
    def spans(self) -> Mapping[str, Range]:
        """Returns the spans from which one may choose."""
        return SPANS

    def path(self, span: str, app_name: str | None) -> str:
        """Returns where figures of a span are, of one app or of all."""
        return f"{_PATH}?{_query(range=span, app_name=app_name)}"

    def path_of(self, one: FiguresView) -> str:
        """Returns where more is: of an app, its task types, and of a task type, its jobs."""
        if one.task_type is None:
            return self.path(self.span, one.app_name)
        return f"/dashboard/jobs?{_query(app_name=one.app_name, task_type=one.task_type)}"

    def failed_path(self, one: FiguresView) -> str:
        """Returns where the runs are that failed."""
        since = formats.machine(self.figures.counted_since)
        of_what = {"app_name": one.app_name, "task_type": one.task_type}
        return f"/dashboard/runs?{_query(status=RunStatus.FAILED.value, **of_what, finished_from=since)}"


def of(figures: RunFigures, principal: Principal, span: str, jobs: JobFilter) -> OwnFigures:
    """Returns the figures of the runs that a reader may see, by task type if all are, or shall be, of one app.

    A longer span than the longest counts as that.
    """
    span = span if span in SPANS else _LONGEST
    minutes, asked_app = SPANS[span].minutes, jobs.app_name
    by_app = figures.of(principal, WantedFigures(By.APP, jobs, minutes, SHOWN))
    app_name = by_app.results[0].app_name if by_app.count == 1 else asked_app
    if app_name is None:
        return OwnFigures(by_app, span, None, None)
    wanted = WantedFigures(By.TASK_TYPE, JobFilter(app_name=app_name), minutes, SHOWN)
    return OwnFigures(figures.of(principal, wanted), span, app_name, asked_app)


def _query(**given: str | None) -> str:
    return urlencode({name: value for name, value in given.items() if value is not None})
