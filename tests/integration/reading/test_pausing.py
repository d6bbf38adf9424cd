"""Who paused what, on both databases: shown to all who may see that it is paused."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from core import schedules
from core.errors import Forbidden, NotFound
from core.principals import LOCAL, Principal, PrincipalKind
from services.jobs import lifecycle
from services.reading import pausing
from services.scheduling import pauses
from tests.factories import GivenSystem, new_job

ADA = Principal(PrincipalKind.USER, uuid4(), "ada", is_admin=True)
STRANGER = Principal(PrincipalKind.USER, uuid4(), "eve")


def test_the_newest_pause_counts_until_it_is_resumed(system: GivenSystem) -> None:
    job_id = lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    assert pausing.of_job(LOCAL, job_id) is None
    for reason in ("Lunch", "Supper"):
        lifecycle.pause(ADA, system, job_id, reason=reason)
        found = pausing.of_job(LOCAL, job_id)
        assert found is not None
        assert (found.principal, found.reason, found.at) == ("ada", reason, system.clock.now())
        lifecycle.resume(LOCAL, system, job_id)
        assert pausing.of_job(LOCAL, job_id) is None
        system.clock.advance(60)


def test_apps_and_everything_have_pauses_of_their_own(system: GivenSystem) -> None:
    lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    pauses.pause_app(ADA, system, "app_a", "It moves")
    assert {name: one.reason for name, one in pausing.of_apps(LOCAL, ["app_a"]).items()} == {"app_a": "It moves"}
    assert pausing.of_everything(LOCAL) is None
    pauses.pause_everything(replace(ADA, name="bob"), system, "A storm")
    found = pausing.of_everything(LOCAL)
    assert found is not None
    assert (found.principal, found.reason) == ("bob", "A storm")
    pauses.resume_app(LOCAL, system, "app_a")
    assert pausing.of_apps(LOCAL, ["app_a"]) == {}


def test_who_does_not_see_the_thing_is_not_told_of_its_pause(system: GivenSystem) -> None:
    job_id = lifecycle.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    lifecycle.pause(LOCAL, system, job_id)
    with pytest.raises(NotFound):
        pausing.of_job(STRANGER, job_id)
    with pytest.raises(NotFound):
        pausing.of_apps(STRANGER, ["app_a"])
    with pytest.raises(Forbidden):
        pausing.of_everything(STRANGER)
