"""Many jobs and runs on the dashboard: made, failed, and looked at before something is done to them."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from core import schedules
from core.errors import PermanentFailure
from core.principals import LOCAL
from services.execution.work import Failed
from services.jobs import creating
from tests.factories import GivenSystem, claim, new_job, record, runs_of, stored_job
from tests.integration.pages.browser import Browser, Page

LATER = schedules.DelayFromNow(600)


def preview(browser: Browser, path: str, **fields: object) -> Page:
    return browser.load(f"{path}/actions?{urlencode(fields, doseq=True)}")


def made(system: GivenSystem, *names: str) -> list[UUID]:
    return [creating.create(LOCAL, system, new_job(LATER, name=name, tags=(name[:1],))) for name in names]


def failing(system: GivenSystem, *errors: str) -> list[UUID]:
    """The runs of jobs that failed, each for one of these reasons."""
    jobs = {creating.create(LOCAL, system, new_job()): error for error in errors}
    for work in claim(system):
        record(system, work, Failed(PermanentFailure(jobs[work.job_id], status_code=422)))
    return [runs_of(job_id)[0].id for job_id in jobs]


def states(job_ids: list[UUID]) -> list[str]:
    return [str(stored_job(one).state) for one in job_ids]
