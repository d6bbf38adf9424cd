"""What a restore holds is released by app and in slices, each run once, or discarded; then all goes on."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.errors import Forbidden, NotFound
from core.principals import LOCAL, Principal, PrincipalKind
from core.schedules import Interval
from core.states import Hold, JobState, RunStatus
from models import database, set_based
from models.tables import App, AuditEntry
from services.apps import apps
from services.jobs import lifecycle
from services.maintenance import rescues
from services.restoring import declaring, releasing
from services.restoring.releasing import Slice
from services.scheduling import dispatching
from tests import statements
from tests.factories import GivenSystem, claim, claim_one, first_run, stored_job, stored_run

THREE = 3


def held(system: GivenSystem, *apps: str) -> dict[str, list[UUID]]:
    """Runs of these apps, three each and a second apart, all held by a restore."""
    of_apps: dict[str, list[UUID]] = {app: [] for app in apps}
    for _ in range(THREE):
        for app in apps:
            of_apps[app].append(first_run(system, app_name=app).id)
        system.clock.advance(1)
    declaring.declare(LOCAL, system)
    system.doorbell.heard()
    return of_apps


def started(system: GivenSystem) -> list[UUID]:
    return [work.run_id for work in claim(system, 10)]


def test_a_slice_is_released_longest_due_first_and_each_run_is_rung_for(system: GivenSystem) -> None:
    runs = held(system, "app_a", "app_b")
    assert releasing.release(LOCAL, system, Slice("app_a", most=2)) == 2
    assert [ring.run_id for ring in system.doorbell.heard()] == runs["app_a"][:2]
    assert started(system) == runs["app_a"][:2]
    left = {one.app_name: one.not_begun for one in declaring.view(LOCAL).apps}
    assert left == {"app_a": 1, "app_b": THREE}


def test_with_the_rest_the_app_goes_on_and_with_the_last_app_the_restore_is_over(system: GivenSystem) -> None:
    runs = held(system, "app_a", "app_b")
    assert releasing.release(LOCAL, system, Slice("app_a")) == THREE
    assert started(system) == runs["app_a"]
    later = first_run(system)
    assert started(system) == [later.id]
    assert declaring.view(LOCAL).restored_at is not None
    assert releasing.release(LOCAL, system, Slice()) == THREE
    assert declaring.view(LOCAL).restored_at is None
    assert started(system) == runs["app_b"]


def test_what_is_discarded_never_starts_and_its_job_ends(system: GivenSystem) -> None:
    [run_id, *_] = held(system, "app_a")["app_a"]
    assert releasing.release(LOCAL, system, Slice("app_a", discard=True)) == THREE
    run = stored_run(run_id)
    assert (run.status, run.reason) == (RunStatus.CANCELLED, releasing.DISCARDED)
    assert stored_job(run.job_id).state is JobState.CANCELLED
    assert started(system) == []
    assert declaring.view(LOCAL).restored_at is None


def test_a_job_that_comes_back_goes_on_after_what_was_discarded(system: GivenSystem) -> None:
    job_id = first_run(system, Interval(every_seconds=600)).job_id
    declaring.declare(LOCAL, system)
    releasing.release(LOCAL, system, Slice(discard=True))
    assert stored_job(job_id).state is JobState.ACTIVE


def test_those_that_had_begun_are_chosen_from_the_others(system: GivenSystem) -> None:
    begun = first_run(system)
    claim_one(system)
    rescues.rescue_all(system)
    other = first_run(system)
    declaring.declare(LOCAL, system)
    system.clock.advance(3600)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    assert releasing.release(LOCAL, system, Slice(begun=True, discard=True)) == 1
    assert stored_run(begun.id).status is RunStatus.CANCELLED
    assert stored_run(other.id).held_by is Hold.RESTORED


def test_a_run_whose_job_is_paused_is_released_to_the_pause(system: GivenSystem) -> None:
    [run_id, *_] = held(system, "app_a")["app_a"]
    lifecycle.pause(LOCAL, system, stored_run(run_id).job_id)
    releasing.release(LOCAL, system, Slice())
    assert stored_run(run_id).held_by is Hold.PAUSED
    assert run_id not in started(system)


def test_what_a_broken_off_release_left_is_released_by_the_coordinator(system: GivenSystem) -> None:
    runs = held(system, "app_a")["app_a"]
    with database.transaction():
        App.update(restored_at=None).execute()
    assert releasing.release_left_behind(system) == THREE
    assert started(system) == runs
    assert releasing.release_left_behind(system) == 0


def test_a_restore_is_not_over_before_all_that_it_held_is_released(system: GivenSystem) -> None:
    held(system, "app_a")
    with database.transaction():
        App.update(restored_at=None).execute()
    assert declaring.view(LOCAL).restored_at is not None
    releasing.release_left_behind(system)
    assert declaring.view(LOCAL).restored_at is None


def test_without_a_restore_the_coordinator_looks_through_no_runs(system: GivenSystem) -> None:
    first_run(system)
    with statements.noted() as sent:
        assert releasing.release_left_behind(system) == 0
    assert [text for text, _ in sent if "runs" in text] == []


def test_many_runs_are_released_a_part_at_a_time_and_looked_for_seldom(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = held(system, "app_a", "app_b")
    monkeypatch.setattr(set_based, "_CHUNK", 2)
    monkeypatch.setattr(releasing, "LOOK", 4)
    with statements.noted() as sent:
        assert releasing.release(LOCAL, system, Slice("app_a", most=1)) == 1
        assert releasing.release(LOCAL, system, Slice()) == 2 * THREE - 1
    looks = [text for text, _ in sent if "ORDER BY" in text and "LIMIT" in text and "due_at" in text]
    assert len(looks) == 1 + 3 + 1  # four, one, and none; then whether the restore is over
    assert sorted(started(system)) == sorted(runs["app_a"] + runs["app_b"])
    with database.reading():
        passes = [one.after for one in AuditEntry.select() if one.action == "restore.released"]
    assert sorted(passes, key=repr) == [{"runs": 1}, {"runs": 1}, {"runs": 2}, {"runs": 2}]


def test_the_restore_is_over_when_the_last_app_that_it_held_is_deleted(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_a", None, {})
    declaring.declare(LOCAL, system)
    apps.delete(LOCAL, system, "app_a")
    releasing.release_left_behind(system)
    assert declaring.view(LOCAL).restored_at is None


def test_each_step_is_on_record_with_its_reason(system: GivenSystem) -> None:
    held(system, "app_a")
    releasing.release(LOCAL, system, Slice("app_a", most=1), "the receiver knows repeats")
    releasing.release(LOCAL, system, Slice("app_a", most=1, discard=True))
    releasing.release(LOCAL, system, Slice())
    with database.reading():
        found = AuditEntry.select().where(AuditEntry.action.startswith("restore."))
        entries = sorted((one.action, repr(one.after), one.reason or "") for one in found)
    assert entries == [
        ("restore.declared", "{'runs': 3}", ""),
        ("restore.discarded", "{'runs': 1}", ""),
        ("restore.ended", "None", ""),
        ("restore.released", "{'runs': 1}", ""),
        ("restore.released", "{'runs': 1}", "the receiver knows repeats"),
    ]


def test_a_user_who_is_no_administrator_releases_nothing(system: GivenSystem) -> None:
    held(system, "app_a")
    with pytest.raises(Forbidden):
        releasing.release(Principal(PrincipalKind.USER), system, Slice())
    assert started(system) == []


def test_an_unknown_app_is_not_found(system: GivenSystem) -> None:
    with pytest.raises(NotFound):
        releasing.release(LOCAL, system, Slice("none"))
