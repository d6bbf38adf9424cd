"""What becomes of runs whose instant has come: decided from facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.due_runs import DueRun, Fate, JobFacts, Verdict, decide
from core.policies import Overlap
from core.states import ENDED, JobState, RunStatus, Trigger

START, WAIT, HOLD, REPLACE, SURPLUS = Fate.START, Fate.WAIT, Fate.HOLD, Fate.REPLACE, Fate.SURPLUS
SKIP_OVERLAP, SKIP_PAUSED, ORPHAN = Fate.SKIP_OVERLAP, Fate.SKIP_PAUSED, Fate.ORPHAN
SKIP, ALLOW, QUEUE_ONE, CANCEL_PREVIOUS = Overlap.SKIP, Overlap.ALLOW, Overlap.QUEUE_ONE, Overlap.CANCEL_PREVIOUS

JOB = UUID(int=1)
FACTS = JobFacts(JobState.ACTIVE, recurs=True, overlap=SKIP)
ONE_SHOT = JobFacts(JobState.ACTIVE, recurs=False, overlap=SKIP)


def occurrences(count: int, job_id: UUID = JOB) -> list[DueRun]:
    return [DueRun(UUID(int=100 + number), job_id) for number in range(count)]


def retried(trigger: Trigger = Trigger.SCHEDULE) -> DueRun:
    return DueRun(UUID(int=200), JOB, trigger, RunStatus.RETRYING)


def requested(trigger: Trigger = Trigger.MANUAL) -> DueRun:
    return DueRun(UUID(int=300), JOB, trigger)


def verdict(facts: JobFacts, *due: DueRun) -> Verdict:
    return decide(due, {JOB: facts})


def fates(facts: JobFacts, *due: DueRun) -> list[Fate]:
    return list(verdict(facts, *due).fates.values())


@pytest.mark.parametrize(
    "facts",
    [replace(FACTS, paused=paused, runs_started=started, max_runs=3) for paused in (False, True) for started in (0, 3)],
    ids=str,
)
@pytest.mark.parametrize("one_waits", [False, True])
@pytest.mark.parametrize(
    ("overlap", "going", "by_overlap"),
    [
        (SKIP, False, (START, START)),
        (SKIP, True, (SKIP_OVERLAP, SKIP_OVERLAP)),
        (ALLOW, False, (START, START)),
        (ALLOW, True, (START, START)),
        (QUEUE_ONE, False, (START, START)),
        (QUEUE_ONE, True, (WAIT, SKIP_OVERLAP)),
        (CANCEL_PREVIOUS, False, (START, START)),
        (CANCEL_PREVIOUS, True, (START, START)),
    ],
)
def test_first_the_pause_decides_then_max_runs_then_overlap(
    overlap: Overlap, going: bool, by_overlap: tuple[Fate, Fate], one_waits: bool, facts: JobFacts
) -> None:
    found = verdict(replace(facts, overlap=overlap, going=going, one_waits=one_waits), *occurrences(1))
    spent = facts.runs_started == facts.max_runs
    expected = SKIP_PAUSED if facts.paused else SURPLUS if spent else by_overlap[one_waits]
    replaces = overlap is CANCEL_PREVIOUS and going and expected is START
    assert found == Verdict(
        fates={occurrences(1)[0].id: expected},
        starts={JOB: 1} if expected is START else {},
        replacing=frozenset({JOB} if replaces else ()),
        spent=frozenset({JOB} if spent else ()),
        skipping=frozenset({JOB} if expected in {SKIP_PAUSED, SKIP_OVERLAP} else ()),
    )


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (SKIP, [START, SKIP_OVERLAP, SKIP_OVERLAP]),
        (ALLOW, [START, START, START]),
        (QUEUE_ONE, [START, WAIT, SKIP_OVERLAP]),
        (CANCEL_PREVIOUS, [REPLACE, REPLACE, START]),
    ],
)
def test_several_due_at_once_follow_the_policy_among_themselves(overlap: Overlap, expected: list[Fate]) -> None:
    found = verdict(replace(FACTS, overlap=overlap), *occurrences(3))
    assert list(found.fates.values()) == expected
    assert found.starts == {JOB: expected.count(START)}


@pytest.mark.parametrize("state", ENDED)
def test_nothing_starts_of_a_job_that_has_ended(state: JobState) -> None:
    ended = replace(FACTS, state=state, paused=True)
    assert fates(ended, *occurrences(1), retried(), requested()) == [ORPHAN] * 3


@pytest.mark.parametrize("run", [retried(), retried(Trigger.MANUAL), requested(), requested(Trigger.BACKFILL)])
def test_what_is_no_new_occurrence_starts_whatever_is_going_unless_a_pause_holds_it(run: DueRun) -> None:
    going = replace(FACTS, going=True, runs_started=1, max_runs=1)
    assert verdict(going, run) == Verdict({run.id: START}, {}, frozenset(), frozenset(), frozenset())
    assert fates(replace(going, paused=True), run) == [HOLD]


def test_a_one_shot_starts_and_is_held_but_never_skipped() -> None:
    assert verdict(ONE_SHOT, *occurrences(1)).starts == {}
    assert fates(ONE_SHOT, *occurrences(1)) == [START]
    assert fates(replace(ONE_SHOT, paused=True), *occurrences(1)) == [HOLD]


def test_an_occurrence_sees_a_run_on_request_that_started_before_it_as_going() -> None:
    assert fates(FACTS, requested(), *occurrences(1)) == [START, SKIP_OVERLAP]
    assert fates(FACTS, *occurrences(1), requested()) == [START, START]


def test_one_that_replaces_waits_where_something_outlasts_the_replaced() -> None:
    found = verdict(replace(FACTS, overlap=CANCEL_PREVIOUS, going=True, outlasting=True), *occurrences(3))
    assert list(found.fates.values()) == [REPLACE, REPLACE, WAIT]
    assert found.starts == {}, "the one that waits counts when it has its turn"


def test_a_retry_gives_way_to_a_newer_occurrence_before_or_after_it() -> None:
    facts = replace(FACTS, overlap=CANCEL_PREVIOUS, going=True)
    assert fates(facts, retried(), *occurrences(1)) == [REPLACE, START]
    assert fates(facts, *occurrences(1), retried()) == [START, REPLACE]


@pytest.mark.parametrize("trigger", [trigger for trigger in Trigger if trigger is not Trigger.SCHEDULE])
def test_what_was_requested_gives_way_to_nobody(trigger: Trigger) -> None:
    facts = replace(FACTS, overlap=CANCEL_PREVIOUS, going=True, outlasting=True)
    assert fates(facts, retried(trigger), *occurrences(1)) == [START, WAIT]
    assert fates(facts, *occurrences(1), retried(trigger)) == [WAIT, START]


def test_those_replaced_before_they_began_are_given_back_once() -> None:
    facts = replace(FACTS, overlap=CANCEL_PREVIOUS, going=True, counted=1, runs_started=1, max_runs=2)
    found = verdict(facts, *occurrences(3))
    assert not found.starts, "one is given back, and one starts in its place"
    assert not found.spent
    assert verdict(replace(facts, outlasting=True), *occurrences(3)).starts == {JOB: -1}


def test_what_is_due_after_the_last_of_max_runs_stays_planned_and_the_schedule_is_spent() -> None:
    found = verdict(replace(FACTS, overlap=ALLOW, runs_started=1, max_runs=3), *occurrences(4))
    assert list(found.fates.values()) == [START, START, SURPLUS, SURPLUS]
    assert found.starts == {JOB: 2}
    assert found.spent == {JOB}


FACTS_OF_ANY_JOB = st.builds(
    JobFacts,
    state=st.sampled_from(JobState),
    recurs=st.booleans(),
    overlap=st.sampled_from(Overlap),
    paused=st.booleans(),
    going=st.booleans(),
    one_waits=st.booleans(),
    outlasting=st.booleans(),
    counted=st.integers(0, 2),
    runs_started=st.integers(2, 4),
    max_runs=st.none() | st.integers(4, 6),
).map(lambda facts: facts if facts.going else replace(facts, counted=0, outlasting=False))
KINDS = st.tuples(st.sampled_from(Trigger), st.sampled_from([RunStatus.PENDING, RunStatus.RETRYING]))


@st.composite
def due_runs(draw: st.DrawFn, jobs: int = 3) -> list[DueRun]:
    of_jobs = draw(st.lists(st.tuples(st.integers(1, jobs), KINDS), max_size=12))
    return [DueRun(UUID(int=100 + n), UUID(int=job), *kind) for n, (job, kind) in enumerate(of_jobs)]


@st.composite
def jobs_with_due_runs(draw: st.DrawFn) -> tuple[list[DueRun], Mapping[UUID, JobFacts]]:
    return draw(due_runs()), {UUID(int=job): draw(FACTS_OF_ANY_JOB) for job in (1, 2, 3)}


@given(jobs_with_due_runs())
def test_every_run_has_one_fate_and_no_job_decides_for_another(
    given_jobs: tuple[list[DueRun], Mapping[UUID, JobFacts]],
) -> None:
    due, jobs = given_jobs
    together = decide(due, jobs)
    assert list(together.fates) == [run.id for run in due]
    for job_id, facts in jobs.items():
        own = [run for run in due if run.job_id == job_id]
        alone = decide(own, {job_id: facts})
        assert alone.fates == {run.id: together.fates[run.id] for run in own}
        assert alone.starts.get(job_id, 0) == together.starts.get(job_id, 0)
        for of_jobs in ("replacing", "spent", "skipping"):
            assert (job_id in getattr(alone, of_jobs)) == (job_id in getattr(together, of_jobs))


@given(jobs_with_due_runs())
def test_never_more_than_max_runs_start_and_never_more_is_given_back_than_was_counted(
    given_jobs: tuple[list[DueRun], Mapping[UUID, JobFacts]],
) -> None:
    due, jobs = given_jobs
    found = decide(due, jobs)
    for job_id, facts in jobs.items():
        started = facts.runs_started + found.starts.get(job_id, 0)
        assert facts.runs_started - facts.counted <= started
        assert facts.max_runs is None or started <= facts.max_runs
        if job_id in found.spent:
            assert started == facts.max_runs


@given(due_runs(jobs=1), FACTS_OF_ANY_JOB)
def test_what_an_overlap_policy_promises(due: list[DueRun], facts: JobFacts) -> None:
    found = verdict(facts, *due).fates
    new = [found[run.id] for run in due if run.begins_occurrence]
    if not facts.recurs:
        assert set(found.values()) <= {START, HOLD, ORPHAN}
    elif facts.overlap is SKIP:
        assert new.count(START) <= (0 if facts.going else 1)
    elif facts.overlap is QUEUE_ONE:
        assert new.count(START) <= (0 if facts.going else 1)
        assert new.count(WAIT) <= (0 if facts.one_waits else 1)
    elif facts.overlap is CANCEL_PREVIOUS:
        assert new.count(START) + new.count(WAIT) <= 1
    else:
        assert WAIT not in new
        assert SKIP_OVERLAP not in new


@given(due_runs(jobs=1), FACTS_OF_ANY_JOB)
def test_a_paused_job_starts_nothing_and_keeps_what_someone_asked_for(due: list[DueRun], facts: JobFacts) -> None:
    paused = replace(facts, state=JobState.PAUSED, paused=True, recurs=True)
    found = verdict(paused, *due)
    assert found.fates == {run.id: SKIP_PAUSED if run.begins_occurrence else HOLD for run in due}
    assert not found.starts
    assert not found.replacing


@given(jobs_with_due_runs())
def test_after_a_restore_all_is_decided_as_ever_and_what_would_start_is_held(
    given_jobs: tuple[list[DueRun], Mapping[UUID, JobFacts]],
) -> None:
    due, jobs = given_jobs
    found = decide(due, {job_id: replace(facts, restored=True) for job_id, facts in jobs.items()})
    usual = decide(due, jobs)
    as_usual = {run_id: Fate.GUARD if fate is START else fate for run_id, fate in usual.fates.items()}
    assert found == replace(usual, fates=as_usual)
