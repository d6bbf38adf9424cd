"""The work of a demo that goes on is such as the API takes, and some of every kind of schedule."""

from __future__ import annotations

from api import validation
from api.schemas.jobs import NewJob
from core import schedules
from local import plausible
from tests.factories import NOON


def test_every_job_of_the_demo_is_one_that_the_api_takes() -> None:
    taken = [validation.body(NewJob, job).parsed() for job in plausible.jobs(NOON)]
    assert {one.schedule.kind for one in taken} == set(schedules.KINDS) - {"delay_from_now"}
    assert len({one.app_name for one in taken}) == 3
