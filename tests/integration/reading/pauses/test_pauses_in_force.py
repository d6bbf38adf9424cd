"""Which pauses keep a job's runs from starting, on both databases; and who may know who paused what, and why."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import NotFound
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.pauses import Paused
from core.principals import LOCAL
from core.schedules import Cron
from services.jobs import creating, lifecycle
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.explaining import explanations
from services.reading.pauses import pauses_in_force
from services.scheduling import pauses
from tests.factories import NOON, GivenSystem, first_run, new_job
from tests.integration.jobs.principals import user


def made(system: GivenSystem, **options: object) -> UUID:
    return creating.create(LOCAL, system, new_job(Cron("0 3 * * *"), **options))


def found(system: GivenSystem, *, paused: bool) -> set[UUID]:
    page = listing.jobs(LOCAL, Counts(system.clock), JobFilter(paused=paused), NEWEST_FIRST, Stretch(limit=10))
    return {job.id for job in page.items}


def test_each_of_the_three_is_told_with_since_and_until_when_by_whom_and_why(system: GivenSystem) -> None:
    job_id = made(system)
    assert pauses_in_force.of_job(LOCAL, job_id) == []
    lifecycle.pause(LOCAL, system, job_id, reason="one")
    system.clock.advance(1)
    pauses.pause_app(LOCAL, system, "app_a", "two", until=NOON + timedelta(hours=1))
    system.clock.advance(1)
    pauses.pause_everything(LOCAL, system, "three")
    told = pauses_in_force.of_job(LOCAL, job_id)
    assert [one.paused for one in told] == [Paused.JOB, Paused.APP, Paused.EVERYTHING]
    assert [one.since for one in told] == [NOON + timedelta(seconds=seconds) for seconds in range(3)]
    assert [one.by and one.by.reason for one in told] == ["one", "two", "three"]
    assert [one.until for one in told] == [None, NOON + timedelta(hours=1), None]
    assert pauses_in_force.of_apps(LOCAL, 3).newest == told[1:2]
    assert pauses_in_force.of_apps(LOCAL, 0).count == 1


def test_lists_find_what_is_paused_in_whichever_way_and_never_what_has_ended(system: GivenSystem) -> None:
    alone, of_app, other, over = (made(system, app_name=name) for name in ("app_b", "app_a", "app_b", "app_a"))
    lifecycle.pause(LOCAL, system, alone)
    lifecycle.cancel(LOCAL, system, over)
    assert found(system, paused=True) == {alone}
    pauses.pause_app(LOCAL, system, "app_a")
    assert found(system, paused=True) == {alone, of_app}
    assert found(system, paused=False) == {other, over}
    views = [records.job(LOCAL, one) for one in (alone, of_app, other, over)]
    assert pauses_in_force.widest(views) == {of_app: Paused.APP}
    pauses.pause_everything(LOCAL, system)
    assert found(system, paused=False) == {over}
    assert pauses_in_force.widest(views) == dict.fromkeys((alone, of_app, other), Paused.EVERYTHING)


def test_who_has_a_job_in_an_app_that_they_do_not_see_learns_no_name_and_no_reason(system: GivenSystem) -> None:
    eve = user(system, "eve")
    run = first_run(system, app_name="default", owner_id=eve.user_id)
    pauses.pause_app(LOCAL, system, "default", "Bob moves it")
    system.clock.advance(1)
    pauses.pause_everything(LOCAL, system, "A storm")
    told = pauses_in_force.of_job(eve, run.job_id)
    assert [(one.paused, one.by, one.is_seen) for one in told] == [
        (Paused.APP, None, False),
        (Paused.EVERYTHING, None, True),
    ]
    assert pauses_in_force.of_apps(eve, 3).newest == told[:1]
    answer = explanations.explain(eve, system, run.job_id, NOON).answer
    assert "the app default is paused since 2026-11-20T12:00:00Z; everything is paused" in answer
    assert "moves" not in answer
    assert "storm" not in answer
    [hold] = records.whole_run(eve, run.id, 1).holds
    assert hold.pause == "the app default"
    with pytest.raises(NotFound):
        pauses_in_force.of_job(eve, made(system))


def test_each_time_in_which_a_run_was_held_names_the_pause_of_that_time(system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id, reason="Lunch")
    system.clock.advance(5)
    lifecycle.resume(LOCAL, system, run.job_id)
    system.clock.advance(5)
    pauses.pause_app(LOCAL, system, "app_a", "It moves")
    by = "by somebody on this machine"
    told = [hold.pause for hold in records.whole_run(LOCAL, run.id, 1).holds]
    assert told == [f"the job, {by}: “Lunch”", f"the app app_a, {by}: “It moves”"]
