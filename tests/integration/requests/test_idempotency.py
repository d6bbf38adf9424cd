"""Creating under an Idempotency-Key: once, however often it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import fingerprints
from core.errors import Conflict, InvalidInput, KeyReused
from core.principals import LOCAL
from models import database
from models import idempotency as key_queries
from models import postgresql as postgresql_database
from models.tables import IdempotencyKey, Job, Run
from services.jobs import creating
from services.jobs.definition import NewJob
from services.requests import idempotency
from services.requests.idempotency import Request
from tests.factories import NOON, GivenSystem, create_jobs, given_system, in_threads, new_job, runs_of, stored_job
from tests.waiting import LONGEST

ROUNDS = 100
AT_ONCE = 2
DAY = timedelta(hours=24)


def request(key: str = "a-key", body: object = "the body", scope: str = "createJob") -> Request:
    return Request(scope, key, fingerprints.of(body))


def create(system: GivenSystem, new: NewJob, under: Request | None) -> UUID:
    return UUID(idempotency.once(system, under, lambda: str(creating.create(LOCAL, system, new))))


def create_many(system: GivenSystem, wanted: Sequence[NewJob | InvalidInput], under: Request) -> Any:
    def act() -> list[str]:
        return [str(one.job_id) for one in create_jobs(system, wanted, all_or_none=False)]

    return idempotency.once(system, under, act)


def keys_kept() -> list[str]:
    with database.reading():
        return sorted(row.key for row in IdempotencyKey.select())


def test_the_same_request_under_the_same_key_makes_one_job_and_rings_once(system: GivenSystem) -> None:
    first = create(system, new_job(), request())
    system.clock.advance(3600)
    again = create(system, new_job(), request())
    assert again == first
    assert (Job.select().count(), Run.select().count(), len(system.doorbell.heard())) == (1, 1, 1)


def test_the_answer_outlives_the_process(store: str) -> None:
    first = create(given_system(), new_job(), request())
    database.disconnect()
    database.connect(store, "another process")
    assert create(given_system(), new_job(), request()) == first


def test_without_a_key_each_request_makes_a_job(system: GivenSystem) -> None:
    assert creating.create(LOCAL, system, new_job()) != creating.create(LOCAL, system, new_job())


def test_a_key_that_came_with_another_request_is_refused(system: GivenSystem) -> None:
    create(system, new_job(), request())
    with pytest.raises(KeyReused, match="'a-key'"):
        create(system, new_job(), request(body="another body"))
    assert Job.select().count() == 1


def test_a_key_means_one_operation(system: GivenSystem) -> None:
    create(system, new_job(), request())
    create_many(system, [new_job()], request(scope="createJobs"))
    assert Job.select().count() == 2


def test_many_jobs_are_created_once_too_and_told_alike(system: GivenSystem) -> None:
    wanted: list[NewJob | InvalidInput] = [
        new_job(name="a"),
        InvalidInput.at("schedule", "is wrong."),
        new_job(name="a"),
        new_job(),
    ]
    first = create_many(system, wanted, request())
    assert [one == "None" for one in first] == [False, True, True, False]
    assert create_many(system, wanted, request()) == first
    assert Job.select().count() == 2


def test_a_create_that_fails_leaves_no_key(system: GivenSystem) -> None:
    late = new_job(deadline_at=NOON)
    with pytest.raises(InvalidInput, match="deadline"):
        create(system, late, request())
    assert keys_kept() == []
    assert stored_job(create(system, new_job(), request(body="mended"))).task_type == "greet"


def test_a_key_is_kept_for_a_day_and_then_is_new(system: GivenSystem) -> None:
    first = create(system, new_job(), request())
    system.clock.set(NOON + DAY - timedelta(seconds=1))
    with pytest.raises(KeyReused):
        create(system, new_job(), request(body="another body"))
    system.clock.set(NOON + DAY)
    second = create(system, new_job(), request(body="another body"))
    assert second != first
    system.clock.advance(3600)
    assert create(system, new_job(), request(body="another body")) == second


def test_a_key_that_is_pruned_while_it_is_asked_about_is_new(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = create(system, new_job(), request())
    system.clock.advance(24 * 3600 - 1)
    take = key_queries.take

    def then_pruned(*asked: Any) -> bool:
        taken = take(*asked)
        if not taken:
            IdempotencyKey.delete().execute()
        return taken

    monkeypatch.setattr(key_queries, "take", then_pruned)
    assert create(system, new_job(), request()) != first


def test_pruning_takes_old_keys_alone(system: GivenSystem) -> None:
    create(system, new_job(), request("old"))
    system.clock.advance(3600)
    create(system, new_job(), request("younger"))
    system.clock.set(NOON + DAY)
    assert idempotency.prune(system) == 1
    assert keys_kept() == ["younger"]
    assert idempotency.prune(system) == 0


# --- At once ---------------------------------------------------------------------------------------------------


def test_of_requests_at_once_under_one_key_one_makes_the_job_and_all_get_its_id(system: GivenSystem) -> None:
    def ask(_number: int) -> list[UUID]:
        return [create(system, new_job(), request(f"key-{lap}")) for lap in range(ROUNDS)]

    answers = in_threads(AT_ONCE, ask)
    assert all(len(set(given)) == 1 for given in zip(*answers, strict=True))
    assert Job.select().count() == ROUNDS
    assert len(set(answers[0])) == ROUNDS


def test_when_the_first_request_is_rolled_back_the_one_that_waited_creates(postgresql: str) -> None:
    system = given_system()
    has_key, may_fail = threading.Event(), threading.Event()

    def create_and_fail() -> str:
        creating.create(LOCAL, system, new_job())
        has_key.set()
        may_fail.wait(LONGEST)
        raise ConnectionError("the process dies here")

    def ask(number: int) -> UUID | None:
        if number == 0:
            with pytest.raises(ConnectionError):
                idempotency.once(system, request(), create_and_fail)
            return None
        has_key.wait(LONGEST)
        threading.Timer(0.05, may_fail.set).start()
        return create(system, new_job(), request())

    _, made = in_threads(2, ask)
    assert [job.id for job in Job.select()] == [made]
    assert len(system.doorbell.heard()) == 1, "nobody rings for what was rolled back"


def test_a_first_request_that_stays_under_way_is_told_as_a_conflict(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgresql_database.TIME_OUTS, "lock_timeout", "50ms")
    database.connect(postgresql, "impatient")
    system = given_system()
    has_key, refused = threading.Event(), threading.Event()

    def stay() -> str:
        has_key.set()
        assert refused.wait(LONGEST)
        return "done"

    def ask(number: int) -> None:
        if number == 0:
            idempotency.once(system, request(), stay)
            return
        has_key.wait(LONGEST)
        with pytest.raises(Conflict, match="'a-key' is still under way"):
            create(system, new_job(), request())
        refused.set()

    in_threads(2, ask)
    assert Job.select().count() == 0


# --- Rings -----------------------------------------------------------------------------------------------------


def test_nobody_rings_before_the_answer_is_kept(system: GivenSystem) -> None:
    def act() -> str:
        creating.create(LOCAL, system, new_job())
        assert system.doorbell.heard() == []
        return "made"

    idempotency.once(system, request(), act)
    assert len(system.doorbell.heard()) == 1


def test_what_is_taken_back_within_a_request_is_not_rung_for(system: GivenSystem) -> None:
    def act() -> str:
        with database.rolled_back():
            creating.create(LOCAL, system, new_job())
        return str(creating.create(LOCAL, system, new_job(name="kept")))

    kept = UUID(idempotency.once(system, request(), act))
    assert [ring.run_id for ring in system.doorbell.heard()] == [run.id for run in runs_of(kept)]
    assert [job.name for job in Job.select()] == ["kept"]
