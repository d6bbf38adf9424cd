"""Whose turn it is when the run before has ended."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.overlap_queue import JobFacts, Turns, WaitingRun, give_turns
from core.states import Hold, Trigger

JOB, OTHER = UUID(int=1), UUID(int=2)
FREE = JobFacts()
FIRST, SECOND = WaitingRun(UUID(int=11), JOB), WaitingRun(UUID(int=12), JOB)
BACKFILLED = WaitingRun(UUID(int=13), JOB, Trigger.BACKFILL)
NOBODY = Turns({}, frozenset(), {}, frozenset())


def test_the_first_that_waits_has_its_turn_and_counts() -> None:
    turns = give_turns([FIRST, SECOND], {JOB: FREE})
    assert turns == Turns({FIRST.id: None}, frozenset(), {JOB: 1}, frozenset())


def test_each_job_has_a_turn_of_its_own() -> None:
    other = WaitingRun(UUID(int=21), OTHER)
    assert give_turns([FIRST, other, SECOND], {JOB: FREE, OTHER: FREE}).given == {FIRST.id: None, other.id: None}


def test_nobody_has_a_turn_while_something_of_its_job_is_going() -> None:
    assert give_turns([FIRST], {JOB: replace(FREE, busy=True)}) == NOBODY


@pytest.mark.parametrize("hold", [Hold.PAUSED, Hold.RESTORED])
def test_one_whose_job_is_held_leaves_the_queue_for_that_hold(hold: Hold) -> None:
    assert give_turns([FIRST], {JOB: replace(FREE, hold=hold)}).given == {FIRST.id: hold}


def test_what_was_requested_has_its_turn_whatever_max_runs_says_and_does_not_count() -> None:
    turns = give_turns([BACKFILLED], {JOB: JobFacts(runs_started=2, max_runs=2)})
    assert turns == Turns({BACKFILLED.id: None}, frozenset(), {}, frozenset())


@pytest.mark.parametrize(
    ("runs_started", "turns"),
    [
        (1, Turns({FIRST.id: None}, frozenset(), {JOB: 1}, frozenset())),
        (2, Turns({FIRST.id: None}, frozenset(), {JOB: 1}, frozenset({JOB}))),
        (3, Turns({}, frozenset({FIRST.id}), {}, frozenset({JOB}))),
    ],
    ids=["two are left", "the last", "one too many"],
)
def test_a_turn_counts_against_max_runs(runs_started: int, turns: Turns) -> None:
    assert give_turns([FIRST, SECOND], {JOB: JobFacts(runs_started=runs_started, max_runs=3)}) == turns


def test_all_have_their_turn_where_runs_may_overlap_and_no_more_start_than_max_runs_allows() -> None:
    third = WaitingRun(UUID(int=14), JOB)
    facts = JobFacts(busy=True, overlaps=True, runs_started=1, max_runs=3)
    turns = give_turns([FIRST, BACKFILLED, SECOND, third], {JOB: facts})
    given = {FIRST.id: None, BACKFILLED.id: None, SECOND.id: None}
    assert turns == Turns(given, frozenset({third.id}), {JOB: 2}, frozenset({JOB}))
    assert give_turns([FIRST], {JOB: facts}) == Turns({FIRST.id: None}, frozenset(), {JOB: 1}, frozenset())


@given(
    st.lists(st.sampled_from([(JOB, FIRST.trigger), (JOB, Trigger.BACKFILL), (OTHER, FIRST.trigger)]), max_size=8),
    st.builds(
        JobFacts,
        busy=st.booleans(),
        overlaps=st.booleans(),
        hold=st.sampled_from([None, Hold.PAUSED, Hold.RESTORED]),
        runs_started=st.integers(0, 3),
        max_runs=st.none() | st.integers(3, 4),
    ),
)
def test_at_most_one_of_a_job_leaves_unless_they_may_overlap_and_never_more_than_max_runs_start(
    queue: list[tuple[UUID, Trigger]], facts: JobFacts
) -> None:
    waiting = [WaitingRun(UUID(int=100 + n), job_id, trigger) for n, (job_id, trigger) in enumerate(queue)]
    turns = give_turns(waiting, {JOB: facts, OTHER: FREE})
    of_job = [run for run in waiting if run.job_id == JOB]
    leaving = [run for run in of_job if run.id in turns.given or run.id in turns.refused]
    assert leaving == (of_job if facts.overlaps else [] if facts.busy else of_job[:1])
    assert facts.max_runs is None or facts.runs_started + turns.starts.get(JOB, 0) <= facts.max_runs
