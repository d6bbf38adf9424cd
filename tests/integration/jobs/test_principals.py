"""Whoever acts comes first: a user acts on jobs of their own, and what concerns everyone is for administrators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from core.errors import Forbidden, NotFound
from core.filters import JobFilter, RunFilter
from core.principals import LOCAL, Principal
from core.states import JobState, RunStatus
from services.apps import apps
from services.jobs import (
    backfill,
    bulk_actions,
    creating,
    definition,
    editing,
    lifecycle,
    polling_states,
    requested_runs,
    run_actions,
)
from services.jobs.bulk_actions import BulkOptions, JobAction, RunAction
from services.reading.pauses import installation_pause
from services.scheduling import pauses
from services.system import System
from tests.factories import NOON, GivenSystem, new_job, runs_of, stored_job
from tests.integration.jobs.principals import made_by, user

Act = Callable[[Principal, System, UUID], object]

ON_A_JOB: dict[str, Act] = {
    "cancel": lifecycle.cancel,
    "pause": lifecycle.pause,
    "resume": lifecycle.resume,
    "delete": editing.delete,
    "edit": lambda who, system, job_id: editing.edit(
        who, system, job_id, lambda view: definition.of(stored_job(view.id), view.tags)
    ),
    "trigger": requested_runs.trigger,
    "retry": requested_runs.retry,
    "backfill": lambda who, system, job_id: backfill.backfill(who, system, job_id, NOON, NOON + timedelta(1)),
    "rewind": lambda who, system, job_id: polling_states.rewind(who, system, job_id, 0),
    "history": lambda who, _system, job_id: polling_states.history(who, job_id),
    "replay": lambda who, system, job_id: requested_runs.replay(who, system, runs_of(job_id)[0].id),
    "cancel run": lambda who, system, job_id: run_actions.cancel(who, system, runs_of(job_id)[0].id),
}
FOR_ADMINISTRATORS: dict[str, Callable[[Principal, System], object]] = {
    "pause everything": pauses.pause_everything,
    "resume everything": pauses.resume_everything,
    "installation": lambda who, _system: installation_pause.current(who),
}
ON_AN_APP: dict[str, Callable[[Principal, System], object]] = {
    "get app": lambda who, _system: apps.get(who, "app_a"),
    "put app": lambda who, system: apps.put(who, system, "app_a", None, {}),
    "pause app": lambda who, system: pauses.pause_app(who, system, "app_a"),
    "resume app": lambda who, system: pauses.resume_app(who, system, "app_a"),
}


@pytest.fixture
def anna(system: GivenSystem) -> Principal:
    return user(system, "anna")


@pytest.fixture
def berta(system: GivenSystem) -> Principal:
    return user(system, "berta")


@pytest.mark.parametrize("act", ON_A_JOB.values(), ids=ON_A_JOB)
def test_nobody_acts_on_the_job_of_another(system: GivenSystem, anna: Principal, berta: Principal, act: Act) -> None:
    job_id = made_by(anna, system)
    before = dict(stored_job(job_id).__data__)
    with pytest.raises(NotFound):
        act(berta, system, job_id)
    assert dict(stored_job(job_id).__data__) == before


def test_users_act_on_their_own_jobs_and_administrators_on_all(system: GivenSystem, anna: Principal) -> None:
    root = replace(user(system, "root"), is_admin=True)
    job_id = made_by(anna, system)
    for principal in (anna, root, LOCAL):
        lifecycle.pause(principal, system, job_id)
        assert stored_job(job_id).state is JobState.PAUSED
        lifecycle.resume(principal, system, job_id)
        assert stored_job(job_id).state is JobState.ACTIVE


def test_an_action_on_many_reaches_the_jobs_of_its_user_alone(
    system: GivenSystem, anna: Principal, berta: Principal
) -> None:
    hers, anothers = made_by(anna, system), made_by(berta, system)
    outcome = bulk_actions.act(anna, system, JobAction.PAUSE, JobFilter(), BulkOptions(dry_run=False))
    assert (outcome.matched, outcome.changed) == (1, 1)
    assert (stored_job(hers).state, stored_job(anothers).state) == (JobState.PAUSED, JobState.ACTIVE)


def test_replays_reach_the_runs_of_their_user_alone(system: GivenSystem, anna: Principal, berta: Principal) -> None:
    hers, anothers = made_by(anna, system), made_by(berta, system)
    for job_id in (hers, anothers):
        lifecycle.cancel(LOCAL, system, job_id)
    cancelled = RunFilter(status=RunStatus.CANCELLED)
    replay, tried = RunAction.REPLAY, BulkOptions(dry_run=True)
    assert bulk_actions.act_on_runs(anna, system, replay, cancelled, tried).matched == 1
    assert bulk_actions.act_on_runs(LOCAL, system, replay, cancelled, tried).matched == 2


def test_users_make_jobs_of_their_own_alone(system: GivenSystem, anna: Principal, berta: Principal) -> None:
    for owner_id in (None, berta.user_id):
        with pytest.raises(Forbidden):
            creating.create(anna, system, new_job(app_name="default", owner_id=owner_id))


def test_users_make_no_jobs_in_the_app_of_others_and_learn_nothing_of_it(system: GivenSystem, anna: Principal) -> None:
    creating.create(LOCAL, system, new_job(app_name="theirs"))
    for app_name in ("theirs", "missing"):
        with pytest.raises(NotFound, match=f"There is no app {app_name}."):
            creating.create(anna, system, new_job(app_name=app_name, owner_id=anna.user_id))


@pytest.mark.parametrize("act", FOR_ADMINISTRATORS.values(), ids=FOR_ADMINISTRATORS)
def test_what_concerns_everyone_is_for_administrators(
    system: GivenSystem, anna: Principal, act: Callable[[Principal, System], object]
) -> None:
    made_by(anna, system)
    with pytest.raises(Forbidden):
        act(anna, system)
    act(LOCAL, system)


@pytest.mark.parametrize("act", ON_AN_APP.values(), ids=ON_AN_APP)
def test_the_app_of_others_is_not_found(
    system: GivenSystem, anna: Principal, act: Callable[[Principal, System], object]
) -> None:
    with pytest.raises(NotFound):
        act(anna, system)
    apps.put(LOCAL, system, "app_a", None, {})
    with pytest.raises(NotFound):
        act(anna, system)
    act(LOCAL, system)
