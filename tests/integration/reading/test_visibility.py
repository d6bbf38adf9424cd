"""Whoever asks comes first: a user is shown jobs of their own, and what concerns everyone is for administrators."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from core.errors import Forbidden, NotFound
from core.filters import JobFilter, RunFilter
from core.listing import Stretch
from core.principals import LOCAL, Principal
from services.email import outbox
from services.files import uploads
from services.jobs import lifecycle
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.explaining import explanations
from services.reading.installation import workers
from services.reading.statistics import minute_statistics
from services.reading.upcoming import upcoming_runs
from services.system import System
from tests.factories import NOON, GivenSystem, runs_of
from tests.integration.jobs.principals import made_by, user

FIRST = Stretch(limit=10)
Show = Callable[[Principal, System, UUID], object]

OF_A_JOB: dict[str, Show] = {
    "job": lambda who, _system, job_id: records.job(who, job_id),
    "job with log": lambda who, _system, job_id: records.job_with_log(who, job_id),
    "occurrences": lambda who, _system, job_id: records.occurrences(who, job_id, 1),
    "run": lambda who, _system, job_id: records.run(who, runs_of(job_id)[0].id),
    "whole run": lambda who, _system, job_id: records.whole_run(who, runs_of(job_id)[0].id, 1),
    "runs": lambda who, system, job_id: listing.runs_of_job(who, Counts(system.clock), job_id, FIRST),
    "executions": lambda who, _system, job_id: listing.executions(who, job_id, FIRST),
    "explanation": lambda who, system, job_id: explanations.explain(who, system, job_id, NOON),
}
FOR_ADMINISTRATORS: dict[str, Callable[[Principal, System], object]] = {
    "workers": workers.known,
    "series": lambda who, system: minute_statistics.series(who, system, 1),
    "outbox": lambda who, system: outbox.newest(who, system.settings, 1),
}


@pytest.fixture
def anna(system: GivenSystem) -> Principal:
    return user(system, "anna")


@pytest.fixture
def berta(system: GivenSystem) -> Principal:
    return user(system, "berta")


@pytest.mark.parametrize("show", OF_A_JOB.values(), ids=OF_A_JOB)
def test_the_job_of_another_is_not_found(system: GivenSystem, anna: Principal, berta: Principal, show: Show) -> None:
    job_id = made_by(anna, system)
    with pytest.raises(NotFound):
        show(berta, system, job_id)
    show(anna, system, job_id)
    show(LOCAL, system, job_id)


def test_the_file_of_anothers_job_has_no_link(system: GivenSystem, anna: Principal, berta: Principal) -> None:
    job_id = made_by(anna, system)
    with pytest.raises(NotFound, match="job"):
        uploads.download_url(berta, system, job_id)


def test_what_comes_is_shown_of_the_jobs_of_its_user_alone(
    system: GivenSystem, anna: Principal, berta: Principal
) -> None:
    hers, anothers = made_by(anna, system), made_by(berta, system)
    assert [one.job_id for one in upcoming_runs.coming(anna, system, JobFilter(), 3600, 10)] == [hers]
    assert {one.job_id for one in upcoming_runs.coming(LOCAL, system, JobFilter(), 3600, 10)} == {hers, anothers}
    lifecycle.pause(anna, system, hers)
    assert upcoming_runs.coming(anna, system, JobFilter(), 3600, 10) == []


def test_runs_are_listed_of_the_jobs_of_their_user_alone(
    system: GivenSystem, anna: Principal, berta: Principal
) -> None:
    hers, anothers = made_by(anna, system), made_by(berta, system)

    def listed(who: Principal) -> tuple[set[UUID], int]:
        page = listing.runs(who, Counts(system.clock), RunFilter(), FIRST)
        return {run.job_id for run in page.items}, page.count

    assert listed(anna) == ({hers}, 1)
    assert listed(LOCAL) == ({hers, anothers}, 2)


def test_of_many_jobs_those_of_others_are_left_out(system: GivenSystem, anna: Principal, berta: Principal) -> None:
    hers, anothers = made_by(anna, system), made_by(berta, system)
    assert [view.id for view in records.jobs_by_ids(anna, [hers, anothers])] == [hers]


@pytest.mark.parametrize("show", FOR_ADMINISTRATORS.values(), ids=FOR_ADMINISTRATORS)
def test_what_concerns_everyone_is_shown_to_administrators(
    system: GivenSystem, anna: Principal, show: Callable[[Principal, System], object]
) -> None:
    with pytest.raises(Forbidden):
        show(anna, system)
    show(LOCAL, system)
