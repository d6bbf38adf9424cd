"""A host that fails most calls of an app is left alone and tried with one call at a time, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Self
from uuid import UUID

import pytest

from core.breakers import FEWEST_CALLS, FIRST_WAIT_SECONDS, MOST_PLACES
from core.errors import AttemptError, NotFound, PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.states import Hold, RunStatus
from models import breakers as stored_breakers
from models import database
from models.tables import Breaker, Run
from services.execution import breakers, careful_recording, giving, recording, workers
from services.execution.engine import Engine
from services.execution.work import Failed, Result, Work
from services.jobs import apps, definition, editing
from services.jobs import lifecycle as job_service
from services.messaging.broker import RUNS_EMAIL, RUNS_HTTP
from services.reading import breakers as reading
from services.reading import explaining
from tests.factories import (
    CALLBACK_BASE_URL,
    NOON,
    GivenSystem,
    given_system,
    new_job,
    runs_of,
    stored_job,
    stored_run,
    succeeded,
)
from tests.waiting import until

DOWN = Failed(TransientFailure("Down.", status_code=503), "down")
NO_ANSWER = Failed(TransientFailure("Connection refused."))
REFUSED = Failed(PermanentFailure("Not like this.", status_code=400), "no")
KEY = "destination:app_a/127.0.0.1"


class Workers:
    """Engines of worker processes, whose threads end their runs as the receiver of a test does."""

    def __init__(self, system: GivenSystem, count: int) -> None:
        self.system = system
        self._engines = [Engine(system, workers.register(system)) for _ in range(count)]

    def __enter__(self) -> Self:
        for engine in self._engines:
            engine.start()
        return self

    def __exit__(self, *_about: object) -> None:
        for engine in self._engines:
            engine.stop()

    def claim(self, engine: int = 0) -> Work | None:
        """What a thread of an engine gets that has nothing to hand in."""
        self.system.clock.advance(1)  # so that the engine looks whether anything is limited
        return self._engines[engine].exchange(RUNS_HTTP).work

    def end(self, work: Work, result: Result, engine: int = 0, queue: str = RUNS_HTTP) -> None:
        self._engines[engine].exchange(queue, (work, result), wants_work=False)

    def fail_until_it_opens(self, result: Result = DOWN) -> None:
        for _ in range(FEWEST_CALLS):
            work = self.claim()
            assert work is not None
            self.end(work, result)
        until(lambda: standing() is not None, "the breaker to open")


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(destination_breaker=True, max_retries=0)


@pytest.fixture
def two(system: GivenSystem) -> Iterator[Workers]:
    with ExitStack() as stack:
        yield stack.enter_context(Workers(system, 2))


def standing() -> int | None:
    """How many calls the breaker lets go at once; None while it is closed."""
    with database.reading():
        row = Breaker.get_or_none(Breaker.key == KEY)
    return None if row is None else row.places


def until_moved(places: int | None) -> None:
    until(lambda: standing() != places, "the breaker to move")


def queued(system: GivenSystem, count: int, **changes: Any) -> list[UUID]:
    jobs = [job_service.create(LOCAL, system, new_job(**changes)) for _ in range(count)]
    return [run.id for job_id in jobs for run in runs_of(job_id)]


def waiting(run_ids: list[UUID]) -> list[Run]:
    return [run for run in map(stored_run, run_ids) if run.status is RunStatus.QUEUED]


def test_a_receiver_that_fails_and_comes_back(system: GivenSystem, two: Workers) -> None:
    made = queued(system, FEWEST_CALLS + MOST_PLACES + 4)
    two.fail_until_it_opens()
    assert (two.claim(0), two.claim(1)) == (None, None)
    held = waiting(made)
    assert len(held) == MOST_PLACES + 4
    assert {(run.held_by, run.held_key, run.attempt_count) for run in held} == {(Hold.DESTINATION, KEY, 0)}

    system.clock.advance(FIRST_WAIT_SECONDS)
    giving.give(system)
    probes = [work for engine in range(2) if (work := two.claim(engine)) is not None]
    assert len(probes) == 1, "one probe at a time, however many engines ask"
    giving.give(system)
    assert (two.claim(0), two.claim(1)) == (None, None)
    two.end(probes[0], NO_ANSWER)
    assert all(run.attempt_count == 0 for run in waiting(made)), "no attempt is burned meanwhile"

    system.clock.advance(2 * FIRST_WAIT_SECONDS)
    for _ in range(MOST_PLACES):
        giving.give(system)
        work = two.claim(1)
        assert work is not None
        places = standing()
        two.end(work, succeeded(), engine=1)
        until_moved(places)
    assert standing() is None
    giving.give(system)
    rest = [two.claim(0) for _ in range(3)]
    assert None not in rest
    assert waiting(made) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("result", "queue"), [(REFUSED, RUNS_HTTP), (DOWN, RUNS_EMAIL)])
def test_an_answer_that_refuses_opens_no_breaker_nor_does_what_is_no_call(
    system: GivenSystem, two: Workers, result: Result, queue: str
) -> None:
    queued(system, FEWEST_CALLS + 1)
    for _ in range(FEWEST_CALLS):
        work = two.claim()
        assert work is not None
        two.end(work, result, queue=queue)
    assert two.claim() is not None
    assert standing() is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NO_ANSWER.error, True),
        (DOWN.error, True),
        (REFUSED.error, False),
        (TransientFailure("A secret cannot be opened.", was_called=False), None),
        (PermanentFailure("The app has no such secret."), None),
    ],
)
def test_what_failed_before_the_host_was_called_tells_nothing_of_it(error: AttemptError, expected: bool | None) -> None:
    assert breakers.failed(careful_recording.as_kept(Failed(error))) is expected


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_another_app_and_another_host_go_on(system: GivenSystem, two: Workers) -> None:
    queued(system, FEWEST_CALLS + 1)
    two.fail_until_it_opens()
    others = [
        *queued(system, 1, app_name="app_b"),
        *queued(system, 1, callback_url="http://127.0.0.2:9/other"),
    ]
    found = [two.claim(), two.claim()]
    assert {work.run_id for work in found if work is not None} == set(others)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_app_decides_for_itself(store: str) -> None:
    system = given_system(max_retries=0)
    apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {}, destination_breaker=True)
    apps.put(LOCAL, system, "app_b", CALLBACK_BASE_URL, {})
    queued(system, FEWEST_CALLS, app_name="app_b")
    with Workers(system, 1) as one:
        for _ in range(FEWEST_CALLS):
            work = one.claim()
            assert work is not None
            one.end(work, DOWN)
        queued(system, FEWEST_CALLS + 1)
        one.fail_until_it_opens()
    with database.reading():
        assert [row.key for row in Breaker.select()] == [KEY]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_it_is_shown_explained_and_closed_by_hand(system: GivenSystem, two: Workers) -> None:
    made = queued(system, FEWEST_CALLS + 2)
    two.fail_until_it_opens()
    assert two.claim() is None
    [shown] = reading.listed(LOCAL)
    assert (shown.key, shown.app_name, shown.host, shown.places, shown.waiting) == (KEY, "app_a", "127.0.0.1", 0, 2)
    [held, _] = waiting(made)
    answer = explaining.explain(LOCAL, system, held.job_id, NOON).answer
    assert "most of the last calls to 127.0.0.1 failed" in answer
    breakers.close(LOCAL, system, KEY)
    assert reading.listed(LOCAL) == []
    giving.give(system)
    assert waiting(made)[0].held_by is None
    assert two.claim() is not None
    with pytest.raises(NotFound):
        breakers.close(LOCAL, system, KEY)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_fault_of_breakers_keeps_no_thread_from_its_answer(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_given: object) -> None:
        raise RuntimeError

    queued(system, 2)
    works = [two.claim(), two.claim()]
    monkeypatch.setattr(breakers.Watch, "tripped", break_down)
    monkeypatch.setattr(recording, "record_what_is_free", break_down)  # so that the lane records the second
    for work in works:
        assert work is not None
        two.end(work, DOWN)
        assert stored_run(work.run_id).status is RunStatus.FAILED


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_breaker_that_cannot_be_moved_keeps_no_other_from_moving(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(system, FEWEST_CALLS + 1)
    two.fail_until_it_opens()
    system.clock.advance(FIRST_WAIT_SECONDS)
    probe = two.claim()
    assert probe is not None
    broken = replace(probe, places=("destination:nobody/127.0.0.1", *probe.places))
    by_key = stored_breakers.by_key
    monkeypatch.setattr(stored_breakers, "by_key", lambda key: by_key(key) if key == KEY else 1 / 0)
    breakers.settle(system, [(broken, succeeded())])
    assert standing() == 2


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_breaker_opens_in_an_app_that_all_users_share(system: GivenSystem) -> None:
    apps.ensure(system, "tasks")
    ids = [apps.get(LOCAL, "tasks").id, apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {})[0].id]
    breakers.open_new(system, [(app_id, "127.0.0.1") for app_id in ids])
    assert [one.key for one in reading.listed(LOCAL)] == [KEY]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_breaker_that_holds_nothing_is_forgotten_in_time(system: GivenSystem, two: Workers) -> None:
    made = queued(system, FEWEST_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    system.clock.advance(FIRST_WAIT_SECONDS + 1201)
    giving.tidy(system)
    assert standing() == 0, "it holds a run"
    [held] = waiting(made)
    job_service.cancel(LOCAL, system, held.job_id)
    giving.give(system)
    giving.tidy(system)
    assert standing() is None


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_many_runs_of_a_host_that_is_down_keep_no_claim_from_the_others(system: GivenSystem, two: Workers) -> None:
    queued(system, FEWEST_CALLS)
    two.fail_until_it_opens()
    queued(system, 50, priority=9)
    [other] = queued(system, 1, app_name="app_b", priority=1)
    work = two.claim()
    assert work is not None
    assert work.run_id == other


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_run_that_goes_to_another_host_now_waits_no_longer(system: GivenSystem, two: Workers) -> None:
    made = queued(system, FEWEST_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    [held] = waiting(made)
    there = "http://127.0.0.2:9/other"
    editing.edit(
        LOCAL, system, held.job_id, lambda _: replace(definition.of(stored_job(held.job_id), ()), callback_url=there)
    )
    work = two.claim()
    assert work is not None
    assert (work.run_id, work.url) == (held.id, there)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_an_edit_of_a_paused_job_leaves_its_held_run_to_the_pause(system: GivenSystem, two: Workers) -> None:
    made = queued(system, FEWEST_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    [held] = waiting(made)
    job_service.pause(LOCAL, system, held.job_id)
    editing.edit(LOCAL, system, held.job_id, lambda _: replace(definition.of(stored_job(held.job_id), ()), priority=9))
    assert stored_run(held.id).held_by is Hold.PAUSED


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_probe_is_any_of_the_runs_that_wait(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "sample", lambda runs, count: runs[::-1][:count])
    queued(system, FEWEST_CALLS)
    two.fail_until_it_opens()
    made = [run_id for priority in (9, 5, 1) for run_id in queued(system, 1, priority=priority)]
    assert two.claim() is None
    system.clock.advance(FIRST_WAIT_SECONDS)
    giving.give(system)
    assert [run_id for run_id in made if stored_run(run_id).held_by is None] == [made[-1]]
