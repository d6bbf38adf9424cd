"""A host that fails most calls of an app is left alone and tried with one call at a time, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from core.breakers import FIRST_WAIT_SECONDS, MAX_PLACES, MIN_CALLS
from core.errors import AttemptError, DatabaseUnavailable, NotFound, PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.states import Hold, RunStatus
from models import breakers as stored_breakers
from models import database
from models.tables import Breaker
from services.apps import apps
from services.execution import breakers, careful_recording, held_runs, recording
from services.execution.engine import Engine
from services.execution.work import Failed, Result
from services.jobs import lifecycle
from services.messaging.broker import RUNS_EMAIL, RUNS_HTTP
from services.reading.explaining import explanations
from services.reading.failures import breakers as reading
from tests.commits import fail_at_commit
from tests.factories import (
    CALLBACK_BASE_URL,
    NOON,
    GivenSystem,
    given_system,
    stored_run,
    succeeded,
)
from tests.integration.execution.breaking import (
    DOWN,
    KEY,
    NO_ANSWER,
    REFUSED,
    Workers,
    breaker,
    queued,
    standing,
    until_moved,
    waiting,
)
from tests.integration.execution.interrupting import away


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(destination_breaker=True, max_retries=0)


@pytest.fixture
def two(system: GivenSystem) -> Iterator[Workers]:
    with ExitStack() as stack:
        yield stack.enter_context(Workers(system, 2))


def test_a_receiver_that_fails_and_comes_back(system: GivenSystem, two: Workers) -> None:
    made = queued(system, MIN_CALLS + MAX_PLACES + 4)
    two.fail_until_it_opens()
    assert (two.claim(0), two.claim(1)) == (None, None)
    held = waiting(made)
    assert len(held) == MAX_PLACES + 4
    assert {(run.held_by, run.held_key, run.attempt_count) for run in held} == {(Hold.DESTINATION, KEY, 0)}

    system.clock.advance(FIRST_WAIT_SECONDS)
    held_runs.release_due_keys(system)
    probes = [work for engine in range(2) if (work := two.claim(engine)) is not None]
    assert len(probes) == 1, "one probe at a time, however many engines ask"
    held_runs.release_due_keys(system)
    assert (two.claim(0), two.claim(1)) == (None, None)
    opened = breaker()
    two.end(probes[0], NO_ANSWER)
    until_moved(opened)
    assert all(run.attempt_count == 0 for run in waiting(made)), "no attempt is burned meanwhile"

    system.clock.advance(2 * FIRST_WAIT_SECONDS)
    for _ in range(MAX_PLACES):
        work = two.claim_released(1)
        former = breaker()
        two.end(work, succeeded(), engine=1)
        until_moved(former)
    assert standing() is None
    for _ in range(3):
        two.claim_released()
    assert waiting(made) == []


def test_what_another_process_counted_before_a_breaker_opened_counts_no_more_once_it_is_closed(
    system: GivenSystem, two: Workers
) -> None:
    queued(system, 1)
    work = two.claim()
    assert work is not None
    opening, other = breakers.LastCalls(system), breakers.LastCalls(system)
    assert [other.record([(work, DOWN)]) for _ in range(MIN_CALLS - 1)] == [[]] * (MIN_CALLS - 1)
    tripped = [found for _ in range(MIN_CALLS) for found in opening.record([(work, DOWN)])]
    opening.open(tripped)
    system.clock.advance(1)  # so that both look which breakers are open
    assert other.record([(work, DOWN)]) == []
    assert [opening.record([(work, DOWN)]) for _ in range(MIN_CALLS)] == [[]] * MIN_CALLS
    breakers.close(LOCAL, system, KEY)
    system.clock.advance(1)
    for calls in (opening, other):
        assert [calls.record([(work, DOWN)]) for _ in range(MIN_CALLS - 1)] == [[]] * (MIN_CALLS - 1)


def test_a_breaker_that_cannot_be_opened_while_the_database_is_away_is_opened_with_the_next_call_that_fails(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(system, 1)
    work = two.claim()
    assert work is not None
    calls = breakers.LastCalls(system)
    tripped = [found for _ in range(MIN_CALLS) for found in calls.record([(work, DOWN)])]
    assert len(tripped) == 1
    assert calls.record([(work, DOWN)]) == [], "it is being opened"
    fail_at_commit(monkeypatch, after=False)
    with pytest.raises(DatabaseUnavailable):
        calls.open(tripped)
    assert standing() is None
    assert calls.record([(work, DOWN)]) == tripped
    calls.open(tripped)
    assert standing() == 0
    assert [calls.record([(work, DOWN)]) for _ in range(MIN_CALLS - 1)] == [[]] * (MIN_CALLS - 1)


def test_calls_count_that_end_just_when_it_cannot_be_read_which_breakers_are_open(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(system, 1)
    work = two.claim()
    assert work is not None
    calls = breakers.LastCalls(system)
    calls.record([(work, DOWN)])
    system.clock.advance(1)
    monkeypatch.setattr(stored_breakers, "open_destinations", away)
    assert any(calls.record([(work, DOWN)]) for _ in range(MIN_CALLS - 1))


def test_a_call_that_succeeds_opens_no_breaker(system: GivenSystem, two: Workers) -> None:
    queued(system, 1)
    work = two.claim()
    assert work is not None
    calls = breakers.LastCalls(system)
    for _ in range(MIN_CALLS - 1):
        calls.record([(work, DOWN)])
    assert calls.record([(work, succeeded())]) == []
    assert calls.record([(work, DOWN)]) != []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("result", "queue"), [(REFUSED, RUNS_HTTP), (DOWN, RUNS_EMAIL)])
def test_an_answer_that_refuses_opens_no_breaker_nor_does_what_is_no_call(
    system: GivenSystem, two: Workers, result: Result, queue: str
) -> None:
    queued(system, MIN_CALLS + 1)
    for _ in range(MIN_CALLS):
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
    queued(system, MIN_CALLS + 1)
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
    queued(system, MIN_CALLS, app_name="app_b")
    with Workers(system, 1) as one:
        for _ in range(MIN_CALLS):
            work = one.claim()
            assert work is not None
            one.end(work, DOWN)
        queued(system, MIN_CALLS + 1)
        one.fail_until_it_opens()
    with database.reading():
        assert [row.key for row in Breaker.select()] == [KEY]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_it_is_shown_explained_and_closed_by_hand(system: GivenSystem, two: Workers) -> None:
    made = queued(system, MIN_CALLS + 2)
    two.fail_until_it_opens()
    assert two.claim() is None
    [shown] = reading.listed(LOCAL)
    assert (shown.key, shown.app_name, shown.host, shown.places, shown.waiting) == (KEY, "app_a", "127.0.0.1", 0, 2)
    [held, _] = waiting(made)
    answer = explanations.explain(LOCAL, system, held.job_id, NOON).answer
    assert "most of the last calls to 127.0.0.1 failed" in answer
    breakers.close(LOCAL, system, KEY)
    assert reading.listed(LOCAL) == []
    held_runs.release_due_keys(system)
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
    monkeypatch.setattr(breakers.LastCalls, "record", break_down)
    monkeypatch.setattr(Engine, "_exchange_at_once", lambda *_: False)
    monkeypatch.setattr(recording, "record_what_is_free", break_down)  # so that the recorder records the second
    for work in works:
        assert work is not None
        two.end(work, DOWN)
        assert stored_run(work.run_id).status is RunStatus.FAILED


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_breaker_that_cannot_be_moved_keeps_no_other_from_moving(
    system: GivenSystem, two: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued(system, MIN_CALLS + 1)
    two.fail_until_it_opens()
    system.clock.advance(FIRST_WAIT_SECONDS)
    probe = two.claim()
    assert probe is not None
    broken = replace(probe, places=("destination:nobody/127.0.0.1", *probe.places))
    by_key = stored_breakers.by_key
    monkeypatch.setattr(stored_breakers, "by_key", lambda key: by_key(key) if key == KEY else 1 / 0)
    breakers.move(system, [(broken, succeeded())])
    assert standing() == 2


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_no_breaker_opens_in_an_app_that_all_users_share(system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "tasks")
    ids = [apps.get(LOCAL, "tasks").id, apps.put(LOCAL, system, "app_a", CALLBACK_BASE_URL, {})[0].id]
    breakers.open_new(system, [(app_id, "127.0.0.1") for app_id in ids])
    assert [one.key for one in reading.listed(LOCAL)] == [KEY]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_breaker_that_holds_nothing_is_forgotten_in_time(system: GivenSystem, two: Workers) -> None:
    made = queued(system, MIN_CALLS + 1)
    two.fail_until_it_opens()
    assert two.claim() is None
    system.clock.advance(FIRST_WAIT_SECONDS + 1201)
    held_runs.repair(system)
    assert standing() == 0, "it holds a run"
    [held] = waiting(made)
    lifecycle.cancel(LOCAL, system, held.job_id)
    held_runs.release_due_keys(system)
    held_runs.repair(system)
    assert standing() is None
