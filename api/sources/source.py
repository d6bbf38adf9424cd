"""A source system: the app of its jobs, where its paths begin, how it tells errors."""

from __future__ import annotations

from dataclasses import dataclass

from core.filters import JobFilter
from core.states import JobStatus
from services.reading.views import JobView


@dataclass(frozen=True)
class Source:
    """One source system: the app that its jobs go by, where its paths begin, how it tells errors.

    Whoever may make jobs of an app can make such as the system has no words for: it owns those of its type of task or
    its kind of schedule.
    """

    app_name: str
    prefixes: tuple[str, ...]
    task_type: str | None = None
    schedule_kind: str | None = None
    tells_error: bool = True
    no_job: str | None = None

    def jobs(self) -> JobFilter:
        """The jobs that it owns."""
        return JobFilter(app_name=self.app_name, task_type=self.task_type, schedule_kind=self.schedule_kind)

    def owns(self, view: JobView) -> bool:
        """Whether a job is one of these."""
        return (
            view.app_name == self.app_name
            and self.task_type in (None, view.task_type)
            and self.schedule_kind in (None, view.schedule.kind)
        )


_PLAIN_WORDS = {JobStatus.QUEUED: JobStatus.PENDING}


def plain_status(status: JobStatus) -> JobStatus:
    """Returns the word of 001 and 004: what is queued or retrying is pending."""
    return _PLAIN_WORDS.get(status, status)
