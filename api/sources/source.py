"""A source system: the app of its jobs, its paths, its form of errors."""

from __future__ import annotations

from dataclasses import dataclass

from core.filters import JobFilter
from core.states import JobStatus
from services.reading.views import JobView


@dataclass(frozen=True)
class Source:
    """One source system: the app of its jobs, the prefixes of its paths, its form of errors.

    An app can also have jobs that the system has no words for, made in other spellings. So the system owns only those
    jobs of its app that have its task type and its kind of schedule, where these are given.
    """

    app_name: str
    prefixes: tuple[str, ...]
    task_type: str | None = None
    schedule_kind: str | None = None
    tells_error: bool = True
    no_job: str | None = None

    def jobs(self) -> JobFilter:
        """Returns the filter of the jobs that it owns."""
        return JobFilter(app_name=self.app_name, task_type=self.task_type, schedule_kind=self.schedule_kind)

    def owns(self, view: JobView) -> bool:
        """Whether it owns a job."""
        return (
            view.app_name == self.app_name
            and self.task_type in (None, view.task_type)
            and self.schedule_kind in (None, view.schedule.kind)
        )


_PLAIN_WORDS = {JobStatus.QUEUED: JobStatus.PENDING}


def plain_status(status: JobStatus) -> JobStatus:
    """Returns the word of 001 and 004 for a status: a queued job is pending."""
    return _PLAIN_WORDS.get(status, status)
