"""Who paused what, on both databases: shown to all who may see that it is paused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core import schedules
from core.errors import Forbidden, NotFound
from core.pauses import Paused
from core.principals import LOCAL, Principal, PrincipalKind
from models import database, jobs
from services.apps import apps
from services.jobs import creating, lifecycle
from services.reading.pauses import latest_pauses, past_pauses
from services.scheduling import pauses
from tests import statements
from tests.factories import GivenSystem, new_job

ADA = Principal(PrincipalKind.USER, uuid4(), "ada", is_admin=True)
STRANGER = Principal(PrincipalKind.USER, uuid4(), "eve")


def test_the_newest_pause_counts_until_it_is_resumed(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    assert latest_pauses.of_job(LOCAL, job_id) is None
    for reason in ("Lunch", "Supper"):
        lifecycle.pause(ADA, system, job_id, reason=reason)
        found = latest_pauses.of_job(LOCAL, job_id)
        assert found is not None
        assert (found.principal, found.reason, found.at) == ("ada", reason, system.clock.now())
        lifecycle.resume(LOCAL, system, job_id)
        assert latest_pauses.of_job(LOCAL, job_id) is None
        system.clock.advance(60)


def test_apps_and_everything_have_pauses_of_their_own(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    pauses.pause_app(ADA, system, "app_a", "It moves")
    assert {name: one.reason for name, one in latest_pauses.of_apps(LOCAL, ["app_a"]).items()} == {"app_a": "It moves"}
    assert latest_pauses.of_everything(LOCAL) is None
    pauses.pause_everything(replace(ADA, name="bob"), system, "A storm")
    found = latest_pauses.of_everything(LOCAL)
    assert found is not None
    assert (found.principal, found.reason) == ("bob", "A storm")
    pauses.resume_app(LOCAL, system, "app_a")
    assert latest_pauses.of_apps(LOCAL, ["app_a"]) == {}


def test_the_pauses_of_a_page_of_jobs_are_read_in_two_statements(system: GivenSystem) -> None:
    of_page = [creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600))) for _ in range(4)]
    until = system.clock.now() + timedelta(hours=1)
    for number, job_id in enumerate(of_page[:3]):
        lifecycle.pause(ADA, system, job_id, reason=f"Reason {number}", until=until)
    lifecycle.resume(ADA, system, of_page[2])
    with statements.noted() as sent:
        found = latest_pauses.of_jobs(of_page)
    assert {job_id: (one.reason, one.until) for job_id, one in found.items()} == {
        of_page[0]: ("Reason 0", until),
        of_page[1]: ("Reason 1", until),
    }
    assert len([sql for sql, _ in sent if "SELECT" in sql]) == 2


def test_an_app_is_not_told_the_pauses_of_a_former_app_of_its_name(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "crm")
    pauses.pause_app(ADA, system, "crm", "A secret of the former app")
    apps.delete(LOCAL, system, "crm")
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600), app_name="crm"))
    assert latest_pauses.of_apps(LOCAL, ["crm"]) == {}
    assert _app_pauses(system, job_id) == []
    pauses.pause_app(ADA, system, "crm", "Its own")
    assert _app_pauses(system, job_id) == ["Its own"]


def test_who_does_not_see_the_thing_is_not_told_of_its_pause(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    lifecycle.pause(LOCAL, system, job_id)
    with pytest.raises(NotFound):
        latest_pauses.of_job(STRANGER, job_id)
    with pytest.raises(NotFound):
        latest_pauses.of_apps(STRANGER, ["app_a"])
    with pytest.raises(Forbidden):
        latest_pauses.of_everything(STRANGER)


def _app_pauses(system: GivenSystem, job_id: UUID) -> list[str | None]:
    now = system.clock.now()
    with database.reading():
        job = jobs.by_id(job_id)
        assert job is not None
        found = past_pauses.up_to(LOCAL, job, now).at(now)
    return [None if one.by is None else one.by.reason for one in found if one.paused is Paused.APP]
