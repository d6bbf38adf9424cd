"""Pauses that end by themselves: as a person's resume would, once, at the instant that was asked for last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest

from core.auditing import AuditFilter
from core.errors import InvalidInput
from core.filters import JobFilter
from core.principals import LOCAL, PrincipalKind
from core.schedules import DelayFromNow
from core.states import Hold, JobState
from models import database, pause_ends
from services.access import audit
from services.access.audit import AuditView
from services.jobs import bulk_actions, definition, editing, lifecycle, pause_endings
from services.jobs.bulk_actions import BulkOptions, JobAction
from services.jobs.definition import Definition
from services.reading import records
from services.reading.pauses import installation_pause, latest_pauses
from services.reading.views import JobView
from services.requests import idempotency
from services.scheduling import pauses
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    given_system,
    in_threads,
    record,
    stored_job,
    stored_run,
    succeeded,
)
from tests.integration.jobs.pausing_until import (
    IN_A_MINUTE,
    LATER,
    PAUSES,
    entries,
    newest,
    pause_app,
    pause_everything,
    pause_job,
    resume,
)


@pytest.mark.parametrize("kind", PAUSES)
def test_at_the_instant_it_is_resumed_as_if_somebody_did(system: GivenSystem, kind: str) -> None:
    run = first_run(system)
    PAUSES[kind](system, run.job_id, until=IN_A_MINUTE, reason="It moves")
    assert newest(kind).after == ({"state": "paused"} if kind == "job" else {}) | {"until": "2026-11-20T12:01:00Z"}
    system.clock.advance(59)
    assert pause_endings.end_all(system) == 1.0
    assert (claim(system), stored_run(run.id).held_by) == ([], Hold.PAUSED)
    system.doorbell.heard()
    system.clock.advance(1)
    assert pause_endings.end_all(system) == inf
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id
    entry = newest(kind)
    assert (entry.kind, entry.principal, entry.action) == (PrincipalKind.SYSTEM, "system", f"{kind}.resumed")
    assert entry.reason == pauses.PAUSE_IS_OVER
    before = entries()
    pause_endings.end_all(system)
    assert entries() == before


@pytest.mark.parametrize("kind", PAUSES)
def test_a_second_pause_replaces_the_instant(system: GivenSystem, kind: str) -> None:
    run = first_run(system)
    for until in (IN_A_MINUTE, LATER):
        PAUSES[kind](system, run.job_id, until=until)
    system.clock.advance(60)
    pause_endings.end_all(system)
    assert claim(system) == []
    PAUSES[kind](system, run.job_id)
    system.clock.advance(3600)
    assert pause_endings.end_all(system) == inf
    assert claim(system) == []
    resume(kind, system, run.job_id)
    assert claim_one(system).run_id == run.id


@pytest.mark.parametrize("kind", PAUSES)
def test_a_resume_by_hand_is_final_and_a_later_pause_has_no_end(system: GivenSystem, kind: str) -> None:
    run = first_run(system)
    PAUSES[kind](system, run.job_id, until=IN_A_MINUTE)
    resume(kind, system, run.job_id)
    PAUSES[kind](system, run.job_id)
    system.clock.advance(3600)
    pause_endings.end_all(system)
    assert claim(system) == []


@pytest.mark.parametrize("kind", PAUSES)
def test_what_somebody_did_since_a_coordinator_looked_counts(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    run = first_run(system)
    PAUSES[kind](system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)
    looks = iter([pause_endings.next_ends(), []])
    PAUSES[kind](system, run.job_id, until=LATER)
    monkeypatch.setattr(pause_endings, "next_ends", lambda _: next(looks))
    before = entries()
    pause_endings.end_all(system)
    assert (claim(system), entries()) == ([], before)


@pytest.mark.parametrize("kind", PAUSES)
def test_an_end_that_cannot_be_is_refused(system: GivenSystem, kind: str) -> None:
    run = first_run(system)
    for until, fault in ((NOON, "has passed"), (NOON + timedelta(days=367), "more than 366 days")):
        with pytest.raises(InvalidInput, match=fault):
            PAUSES[kind](system, run.job_id, until=until)
    assert claim_one(system).run_id == run.id


def test_each_pause_has_an_end_of_its_own(system: GivenSystem) -> None:
    run = first_run(system)
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    pause_app(system, run.job_id, until=LATER)
    system.clock.advance(60)
    pause_endings.end_all(system)
    assert (claim(system), stored_job(run.job_id).state) == ([], JobState.ACTIVE)
    system.clock.advance(60)
    pause_endings.end_all(system)
    assert claim_one(system).run_id == run.id


def test_a_job_that_ends_or_goes_while_it_is_paused_stays_so(system: GivenSystem) -> None:
    ended, deleted = first_run(system), first_run(system)
    [*works] = claim(system, 2)
    pause_job(system, ended.job_id, until=IN_A_MINUTE)
    pause_job(system, deleted.job_id, until=IN_A_MINUTE)
    for work in works:
        record(system, work, succeeded())
    editing.delete(LOCAL, system, deleted.job_id)
    before = entries()
    system.clock.advance(60)
    assert pause_endings.end_all(system) == inf
    assert stored_job(ended.job_id).state is JobState.COMPLETED
    assert entries() == before


def test_a_pause_by_an_edit_has_no_end(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(600))
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    editing.edit(LOCAL, system, run.job_id, _as_it_is, active=True)
    editing.edit(LOCAL, system, run.job_id, _as_it_is, active=False)
    system.clock.advance(60)
    assert pause_endings.end_all(system) == inf
    assert stored_job(run.job_id).state is JobState.PAUSED


def test_many_jobs_are_paused_up_to_one_instant(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pause_endings, "BATCH", 2)
    jobs = [first_run(system).job_id for _ in range(5)]
    wanted = JobFilter()
    with pytest.raises(InvalidInput, match="has passed"):
        bulk_actions.act(LOCAL, system, JobAction.PAUSE, wanted, BulkOptions(dry_run=True, until=NOON))
    done = bulk_actions.act(LOCAL, system, JobAction.PAUSE, wanted, BulkOptions(dry_run=False, until=IN_A_MINUTE))
    assert done.changed == len(jobs)
    assert {records.job(LOCAL, one).paused_until for one in jobs} == {IN_A_MINUTE}
    system.clock.advance(60)
    pause_endings.end_all(system)
    assert len(claim(system, 9)) == len(jobs)
    assert {records.job(LOCAL, one).paused_until for one in jobs} == {None}


def test_a_request_for_many_jobs_that_was_accepted_is_repeated_and_finished_after_its_instant(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH", 1)
    jobs = [first_run(system).job_id for _ in range(2)]
    request = idempotency.Request("scope", "a-key", "fingerprint")
    pause = lifecycle.pause

    def pause_then_wait(*given: Any, **options: Any) -> None:
        pause(*given, **options)
        system.clock.advance(60)

    kinds = bulk_actions._ACTIONS
    monkeypatch.setitem(kinds, JobAction.PAUSE, replace(kinds[JobAction.PAUSE], carry_out=pause_then_wait))
    options = BulkOptions(dry_run=False, request=request, until=NOON + timedelta(seconds=30))
    done = [bulk_actions.act(LOCAL, system, JobAction.PAUSE, JobFilter(), options) for _ in range(2)]
    assert [(one.changed, one.refused) for one in done] == [(2, [])] * 2
    pause_endings.end_all(system)
    assert {stored_job(one).state for one in jobs} == {JobState.ACTIVE}


def test_it_is_told_with_the_pause(system: GivenSystem) -> None:
    run = first_run(system)
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    pause_app(system, run.job_id, until=LATER)
    pause_everything(system, run.job_id, until=LATER)
    of_job = latest_pauses.of_job(LOCAL, run.job_id)
    [of_app] = latest_pauses.of_apps(LOCAL, ["app_a"]).values()
    of_everything = latest_pauses.of_everything(LOCAL)
    assert of_job is not None
    assert of_everything is not None
    assert (of_job.until, of_app.until, of_everything.until) == (IN_A_MINUTE, LATER, LATER)
    assert installation_pause.current(LOCAL).paused_until == LATER


@pytest.mark.parametrize("kind", PAUSES)
def test_two_coordinators_and_somebody_who_resumes_at_that_moment_resume_once(postgresql: str, kind: str) -> None:
    system = given_system()
    run = first_run(system)
    PAUSES[kind](system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)
    system.doorbell.heard()

    def race(number: int) -> None:
        if number == 0:
            resume(kind, system, run.job_id)
        else:
            pause_endings.end_all(system)

    in_threads(4, race)
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id]
    assert claim_one(system).run_id == run.id
    with database.reading():
        assert pause_ends.soonest(9) == []
    by_system = [one for one in _all_of(kind) if one.kind is PrincipalKind.SYSTEM]
    assert len(by_system) <= 1


def test_a_pause_that_is_made_anew_at_that_moment_holds(postgresql: str) -> None:
    """Whoever comes second sees what the first has done: in the end it is paused, up to the later instant."""
    system = given_system()
    run = first_run(system)
    pause_job(system, run.job_id, until=IN_A_MINUTE)
    system.clock.advance(60)

    def race(number: int) -> None:
        if number == 0:
            pause_job(system, run.job_id, until=LATER)
        else:
            pause_endings.end_all(system)

    in_threads(4, race)
    assert (claim(system), stored_job(run.job_id).state) == ([], JobState.PAUSED)
    assert records.job(LOCAL, run.job_id).paused_until == LATER


def _as_it_is(view: JobView) -> Definition:
    return definition.of(stored_job(view.id), view.tags)


def _all_of(kind: str) -> list[AuditView]:
    return audit.listed(LOCAL, AuditFilter(thing=kind), None, 100)[0]
