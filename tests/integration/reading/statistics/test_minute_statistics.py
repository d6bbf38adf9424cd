"""Figures of minutes, on both databases: what began, ended and waited, and columns of charts that sum them up."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from core.errors import Forbidden
from core.principals import LOCAL, Principal, PrincipalKind
from core.schedules import DelayFromNow
from core.states import Hold, RunStatus
from models import database, statistics
from models.tables import Minute, Run
from services.jobs import lifecycle
from services.maintenance import figures
from services.reading.statistics import columns, minute_statistics
from services.reading.statistics.columns import ColumnFigures
from services.reading.statistics.minute_statistics import MinuteFigures
from services.scheduling import dispatching
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    failed,
    first_run,
    given_system,
    in_threads,
    record,
    refused,
    stored_run,
    succeeded,
)

MINUTE = timedelta(minutes=1)


def _eventful_minute(system: GivenSystem) -> None:
    """From noon on: five runs due, two begin 10 s late and three 30 s late; one ends well, one badly, one goes on."""
    for _ in range(5):
        first_run(system)
    first_run(system, DelayFromNow(50))
    system.clock.advance(10)
    good, bad = claim(system, 2)
    system.clock.advance(20)
    again, _cancelled, _going = claim(system, 3)
    record(system, good, succeeded())
    record(system, bad, refused())
    record(system, again, failed())
    system.clock.advance(20)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


EVENTFUL = MinuteFigures(
    NOON, started=5, completed=1, failed=1, waiting=1, lateness_p50_seconds=30.0, lateness_p95_seconds=30.0
)


def test_a_minute_tells_what_began_ended_and_waited_and_how_late(system: GivenSystem) -> None:
    _eventful_minute(system)
    system.clock.set(NOON + MINUTE)
    assert minute_statistics.series(LOCAL, system, 1) == [EVENTFUL]


def test_what_is_stored_of_a_minute_is_what_its_rows_say(system: GivenSystem) -> None:
    _eventful_minute(system)
    system.clock.set(NOON + MINUTE + figures.GRACE)
    assert figures.summarise(system) == 1
    with database.transaction():
        Run.delete().execute()
    assert minute_statistics.series(LOCAL, system, 1) == [EVENTFUL]


def test_a_minute_looks_the_same_an_hour_later(system: GivenSystem) -> None:
    _eventful_minute(system)
    system.clock.set(NOON + 10 * MINUTE)
    waiting = claim(system)
    for work in waiting:
        record(system, work, succeeded())
    system.clock.set(NOON + 30 * MINUTE)
    figures.summarise(system)
    shown = {one.minute: one for one in minute_statistics.series(LOCAL, system, 60)}
    assert shown[NOON] == EVENTFUL
    assert [shown[NOON + count * MINUTE].waiting for count in range(1, 12)] == [1] * 9 + [0, 0]
    assert (shown[NOON + 10 * MINUTE].started, shown[NOON + 10 * MINUTE].completed) == (1, 1)
    assert shown[NOON + 10 * MINUTE].lateness_p95_seconds == 550.0


@pytest.mark.parametrize("held", [False, True])
def test_a_retry_that_is_queued_again_has_begun_and_does_not_wait(system: GivenSystem, held: bool) -> None:
    run = first_run(system)
    record(system, claim_one(system), failed())
    system.clock.advance(3600)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])
    assert stored_run(run.id).status is RunStatus.QUEUED
    if held:
        lifecycle.pause(LOCAL, system, run.job_id)
        assert stored_run(run.id).held_by is Hold.PAUSED
    first_run(system)
    system.clock.advance(60)
    assert [(one.waiting, one.held) for one in minute_statistics.series(LOCAL, system, 2)] == [(0, {}), (1, {})]


@pytest.mark.parametrize("at_once", [2, 100])
def test_what_nobody_has_made_due_waits(system: GivenSystem, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(statistics, "_MAX_READ_AT_ONCE", at_once)
    for seconds in (10, 20, 30, 90):
        first_run(system, DelayFromNow(seconds))
    system.clock.advance(60)
    assert [one.waiting for one in minute_statistics.series(LOCAL, system, 1)] == [3]


def test_a_run_counts_in_the_minute_it_began_in_and_in_the_one_it_ended_in(system: GivenSystem) -> None:
    first_run(system)
    system.clock.advance(59)
    work = claim_one(system)
    system.clock.advance(1)
    record(system, work, succeeded())
    system.clock.advance(60)
    assert minute_statistics.series(LOCAL, system, 2) == [
        MinuteFigures(NOON, started=1, lateness_p50_seconds=59.0, lateness_p95_seconds=59.0),
        MinuteFigures(NOON + MINUTE, completed=1),
    ]


def test_a_run_that_is_tried_again_tells_nothing_of_lateness(system: GivenSystem) -> None:
    first_run(system)
    record(system, claim_one(system), failed())
    system.clock.set(NOON + MINUTE)
    assert minute_statistics.series(LOCAL, system, 1) == [MinuteFigures(NOON, started=1)]


def test_what_did_not_fire_never_waited(system: GivenSystem) -> None:
    run = first_run(system, DelayFromNow(30))
    system.clock.set(NOON + 2 * MINUTE)
    for status in (RunStatus.SKIPPED, RunStatus.MISSED):
        with database.transaction():
            Run.update(status=status, finished_at=system.clock.now()).where(Run.id == run.id).execute()
        assert [one.waiting for one in minute_statistics.series(LOCAL, system, 2)] == [0, 0]


def test_what_waits_is_told_by_what_holds_it_then_and_later(system: GivenSystem) -> None:
    for _ in range(3):
        first_run(system)
    held = first_run(system)
    lifecycle.pause(LOCAL, system, held.job_id)
    system.clock.set(NOON + MINUTE + figures.GRACE)
    [shown] = minute_statistics.series(LOCAL, system, 1)
    assert (shown.waiting, shown.held) == (4, {Hold.PAUSED: 1})
    figures.summarise(system)
    lifecycle.resume(LOCAL, system, held.job_id)
    assert minute_statistics.series(LOCAL, system, 1) == [shown]


# --- Columns of charts -------------------------------------------------------------------------------------


def test_columns_sum_up_their_minutes_and_tell_the_worst_of_them(system: GivenSystem) -> None:
    _eventful_minute(system)
    system.clock.set(NOON + 2 * MINUTE)
    for work in claim(system):
        record(system, work, succeeded())
    system.clock.set(NOON + 3 * MINUTE + figures.GRACE)
    figures.summarise(system)
    for _ in range(2):  # summed up, then in part read from the rows
        [unknown, column] = columns.of_minutes(LOCAL, system, 6, 3)
        assert (unknown.at, unknown.known) == (NOON - 3 * MINUTE, 0)
        assert column == ColumnFigures(
            NOON,
            known=3,
            completed=2,
            failed=1,
            waiting=1,
            lateness_p50_seconds=70.0,
            lateness_p95_seconds=70.0,
        )
        with database.transaction():
            Minute.delete().where(Minute.minute == NOON + 2 * MINUTE).execute()


def test_a_column_tells_what_held_most_in_any_of_its_minutes(system: GivenSystem) -> None:
    held = [first_run(system).job_id for _ in range(2)]
    for job_id in held:
        lifecycle.pause(LOCAL, system, job_id)
    system.clock.set(NOON + MINUTE + figures.GRACE)
    figures.summarise(system)
    lifecycle.resume(LOCAL, system, held[0])
    system.clock.set(NOON + 2 * MINUTE)
    [column] = columns.of_minutes(LOCAL, system, 2, 2)
    assert (column.waiting, column.held) == (2, {Hold.PAUSED: 2})


def test_columns_are_for_administrators(system: GivenSystem) -> None:
    with pytest.raises(Forbidden):
        columns.of_minutes(Principal(PrincipalKind.USER, uuid4(), "ada"), system, 1, 1)


def test_a_series_has_every_complete_minute_and_no_other(system: GivenSystem) -> None:
    system.clock.advance(59)
    shown = minute_statistics.series(LOCAL, system, 60)
    assert [one.minute for one in shown] == [NOON - (60 - count) * MINUTE for count in range(60)]
    assert {(one.started, one.completed, one.failed, one.waiting, one.lateness_p95_seconds) for one in shown} == {
        (0, 0, 0, 0, None)
    }


def test_nothing_is_summed_up_before_the_first_run(system: GivenSystem) -> None:
    system.clock.set(NOON + figures.GRACE)
    assert figures.summarise(system) == 0
    first_run(system)
    system.clock.advance(60)
    assert figures.summarise(system) == 1


def test_minutes_are_summed_up_once_each_and_an_hour_of_them_at_most(system: GivenSystem) -> None:
    first_run(system)
    system.clock.set(NOON + MINUTE + figures.GRACE)
    assert figures.summarise(system) == 1
    assert figures.summarise(system) == 0
    system.clock.advance(59)
    assert figures.summarise(system) == 0
    system.clock.advance(1)
    assert figures.summarise(system) == 1
    system.clock.advance(86_400)
    assert figures.summarise(system) == 60
    with database.reading():
        assert Minute.select().count() == 60 + 2


def test_the_minutes_of_an_hour_without_a_coordinator_are_summed_up_afterwards_and_those_before_are_unknown(
    system: GivenSystem,
) -> None:
    _eventful_minute(system)
    system.clock.set(NOON + 50 * MINUTE)
    unknown = [one.minute for one in minute_statistics.series(LOCAL, system, 120) if not one.is_known]
    assert unknown == [NOON + count * MINUTE for count in range(47)], "before it, nothing ran; the newest are read"
    system.clock.advance(figures.GRACE.total_seconds())
    assert figures.summarise(system) == 50
    shown = minute_statistics.series(LOCAL, system, 50)
    assert shown[0] == EVENTFUL
    assert all(one.is_known for one in shown)
    system.clock.advance(90 * 60)
    assert figures.summarise(system) == 60
    assert [one.is_known for one in minute_statistics.series(LOCAL, system, 90)] == [False] * 30 + [True] * 60


def test_a_minute_is_summed_up_when_what_ended_in_it_is_committed(system: GivenSystem) -> None:
    first_run(system)
    system.clock.set(NOON + MINUTE + figures.GRACE - timedelta(milliseconds=1))
    assert figures.summarise(system) == 0
    system.clock.advance(0.001)
    assert figures.summarise(system) == 1


def test_two_coordinators_that_sum_up_at_once_are_harmless(postgresql: str) -> None:
    system = given_system()
    _eventful_minute(system)
    system.clock.set(NOON + MINUTE + figures.GRACE)
    in_threads(4, lambda _number: figures.summarise(system))
    with database.reading():
        assert Minute.select().count() == 1
    assert minute_statistics.series(LOCAL, system, 1) == [EVENTFUL]


def test_figures_older_than_history_are_pruned(system: GivenSystem) -> None:
    first_run(system)
    system.clock.set(NOON + 60 * MINUTE + figures.GRACE)
    figures.summarise(system)
    system.clock.set(NOON + 60 * MINUTE + timedelta(days=system.settings.keep_history_days) - 10 * MINUTE)
    assert figures.prune(system) == 60 - 10
    assert figures.prune(system) == 0
