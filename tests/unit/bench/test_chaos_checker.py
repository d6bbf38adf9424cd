"""The checker of chaos runs finds each breach in a made-up journal, and nothing in one that is right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.chaos import invariants
from bench.chaos.evidence import AttemptRow, Evidence, JobRow, RunRow, Step
from bench.chaos.invariants.of_others import live_updates_go_forward
from bench.chaos.invariants.of_runs import overlaps
from bench.chaos.journal import Answer, Call, Fault, Journal, Post, Report, Request, Sample, Told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
ONCE = JobRow("once", 1, "small", "greet", "completed", {"type": "immediate"}, "skip", NOON)
EVERY_TEN = {
    "type": "interval",
    "every_seconds": 10,
    "starts_at": "2026-03-01T12:00:00+00:00",
    "ends_at": "2026-03-01T12:00:30+00:00",
}
OFTEN = JobRow("often", 2, "small", "greet", "completed", EVERY_TEN, "skip", NOON)


def run(id: str, job: JobRow, at: float, **more: Any) -> RunRow:  # noqa: A002
    given: dict[str, Any] = {"started": at, "finished": at + 1, "attempt_count": 1, "fence": 1, **more}
    return RunRow(id, job.id, "schedule", given.pop("status", "completed"), at, at, given.pop("created", NOON), **given)


def call(run_id: str, at: float, attempt: int = 1, **more: Any) -> Call:
    given = {"key": run_id, "task_type": "greet", "ended": at + 0.5, "status": 200, **more}
    return Call(run_id, given.pop("job_id", "once"), attempt=attempt, started=at, **given)


def good(*, runs: tuple[RunRow, ...] = (), **more: Any) -> Evidence:
    """A run that went well: one job for one instant, one that came back three times, each called once."""
    runs = runs or (run("r", ONCE, NOON), *(run(f"o{n}", OFTEN, NOON + 10 * n) for n in range(3)))
    journal = Journal(
        calls=[call(one.id, one.scheduled_for, job_id=one.job_id) for one in runs],
        posts=[Post(1, 201, "once", "k"), Post(1, 201, "once", "k"), Post(1, 422, None, "k", changed=True)],
    )
    attempts = tuple(AttemptRow(one.id, 1, 1, one.scheduled_for, one.scheduled_for + 1, "succeeded", 1) for one in runs)
    return dataclasses.replace(Evidence(journal, 6, jobs=(ONCE, OFTEN), runs=runs, attempts=attempts), **more)


def with_runs(*changed: RunRow) -> Evidence:
    """As `good`, with these runs in the place of those of the same id."""
    by_id = {one.id: one for one in changed}
    evidence = good()
    return dataclasses.replace(evidence, runs=tuple(by_id.get(one.id, one) for one in evidence.runs))


def without_run(run_id: str) -> Evidence:
    return good(runs=tuple(one for one in good().runs if one.id != run_id))


def noting(note: Callable[[Journal], object], **more: Any) -> Evidence:
    """As `good`, with something noted besides."""
    evidence = good(**more)
    note(evidence.journal)
    return evidence


def first(evidence: Evidence) -> RunRow:
    return evidence.runs[0]


def attempts(*of_first: AttemptRow) -> Evidence:
    """As `good`, with these attempts at the first run."""
    evidence = good()
    kept = tuple(one for one in evidence.attempts if one.run_id != "r")
    return dataclasses.replace(evidence, attempts=(*of_first, *kept))


def answer(status: int, **more: Any) -> Answer:
    return Answer("POST /api/jobs/create", NOON + 20, NOON + 20.1, status, **more)


def database_away(journal: Journal, given: Answer) -> None:
    journal.faults.append(Fault("PostgreSQL frozen", NOON + 19, NOON + 24))
    journal.answers.append(given)


R = first(good())
JOB_TWICE = dataclasses.replace(ONCE, id="again")
DROP = dataclasses.replace
BREACHES: dict[str, tuple[int, Evidence]] = {
    "one number stored twice": (1, good(jobs=(ONCE, OFTEN, JOB_TWICE))),
    "an accepted job that is gone": (1, noting(lambda journal: journal.posts.append(Post(9, 201, "gone")))),
    "one key, two ids": (1, noting(lambda journal: journal.posts.append(Post(1, 201, "often", "k")))),
    "another body that was taken": (1, noting(lambda j: j.posts.append(Post(1, 201, "once", "k", changed=True)))),
    "an upload that is gone": (1, noting(lambda journal: journal.uploads.update(gone=b"x"))),
    "an occurrence without a row": (2, without_run("o1")),
    "an occurrence with two rows": (2, good(runs=(*good().runs, run("o1-again", OFTEN, NOON + 10)))),
    "a row that no schedule names": (2, good(runs=(*good().runs, run("odd", OFTEN, NOON + 5)))),
    "a one-shot with two rows": (2, good(runs=(*good().runs, run("r2", ONCE, NOON + 5)))),
    "missed though planned in time": (2, with_runs(run("o1", OFTEN, NOON + 10, status="missed"))),
    "missed though due in time by its jitter": (
        2,
        with_runs(DROP(run("o1", OFTEN, NOON + 10, status="missed"), due=NOON + 100, created=NOON + 100)),
    ),
    "skipped though nothing was going": (2, with_runs(run("o1", OFTEN, NOON + 10, status="skipped"))),
    "a run that is not over": (3, with_runs(DROP(R, status="running", finished=None))),
    "a lease that is left": (3, with_runs(DROP(R, has_lease=True))),
    "a job that is still active": (3, good(jobs=(DROP(ONCE, state="active"), OFTEN))),
    "a message that is left": (3, good(queues={"runs.http.DQ": 1})),
    "an attempt that is not counted": (4, with_runs(DROP(R, attempt_count=2))),
    "an attempt that goes on": (4, attempts(AttemptRow("r", 1, 1, NOON))),
    "given up too early": (4, with_runs(DROP(R, status="failed"))),
    "given up as if its job had ended": (4, with_runs(DROP(R, status="failed", reason="job ended"))),
    "a call without an attempt": (4, noting(lambda journal: journal.calls.append(call("r", NOON + 1, 2)))),
    "completed without a good answer": (5, noting(lambda journal: setattr(journal.calls[0], "status", 500))),
    "completed by a 202 alone": (5, noting(lambda journal: setattr(journal.calls[0], "status", 202))),
    "two keys for one run": (5, noting(lambda journal: journal.calls.append(call("r", NOON + 1, key="x")))),
    "one key for two runs": (5, noting(lambda journal: setattr(journal.calls[1], "key", "r"))),
    "a letter that was never taken": (
        5,
        good(jobs=(DROP(ONCE, task_type="send_email", recipient="ada@example.com"), OFTEN)),
    ),
    "two attempts at once": (6, noting(lambda journal: journal.calls.append(call("r", NOON + 0.2, 2)))),
    "a fence that fell": (7, good(steps=(Step("r", "running", "retrying", 3, 2, 1, 1),))),
    "a claim under the same fence": (7, good(steps=(Step("r", "queued", "running", 3, 3, 0, 1),))),
    "an end that changed": (7, good(steps=(Step("r", "completed", "queued", 1, 1, 1, 1),))),
    "an answer of another attempt": (7, attempts(AttemptRow("r", 1, 1, NOON, NOON + 1, "succeeded", 2))),
    "a polling state that went back": (8, good(polling_versions=(("p", 3, 2),))),
    "an older polling state that was sent": (
        8,
        noting(lambda j: j.calls.extend([call("p", NOON, polls=2), call("p", NOON + 1, polls=1)])),
    ),
    "a claim of what was cancelled": (9, good(steps=(Step("r", "queued", "running", 1, 2, 0, 1, is_cancelled=True),))),
    "an attempt after the answer to a delete": (
        9,
        noting(lambda journal: journal.requests.append(Request("delete", "once", NOON - 3, NOON - 2))),
    ),
    "an attempt without an edit": (
        9,
        noting(lambda journal: journal.requests.append(Request("edit", "once", NOON - 3, NOON - 2, edition=1))),
    ),
    "small tenants that wait": (
        10,
        good(runs=tuple(run(f"w{n}", OFTEN, NOON + n, started=NOON + n + 9) for n in range(30))),
    ),
    "small tenants of whom nothing can be judged": (10, good(fewest_calm=5)),
    "a run of which a listener was never told": (
        11,
        noting(lambda j: j.told.update(a=[Told("reset", 1, at=NOON - 9), Told("run", 2, "r", "completed", 1)])),
    ),
    "a listener that heard nothing": (11, noting(lambda journal: journal.told.update(a=[]))),
    "a live channel that went back": (
        11,
        noting(lambda j: j.told.update(a=[Told("run", 1, "r", "completed", 1), Told("run", 2, "r", "running", 1)])),
    ),
    "a live channel that ends elsewhere": (
        11,
        noting(lambda journal: journal.told.update(a=[Told("run", 1, "r", "running", 1)])),
    ),
    "an as_of that fell": (11, noting(lambda j: j.told.update(a=[Told("job", 5, "x"), Told("job", 4, "x")]))),
    "a worker that grew": (12, noting(lambda journal: journal.samples.append(Sample("worker_a", megabytes=301)))),
    "too many connections": (12, noting(lambda j: j.samples.append(Sample("carillon web", connections=99)))),
    "a fault of the server": (13, noting(lambda journal: journal.answers.append(answer(500)))),
    "an odd refusal": (13, noting(lambda journal: journal.answers.append(answer(429)))),
    "a 503 that does not say when": (13, noting(lambda journal: database_away(journal, answer(503)))),
    "a 503 while the database is there": (
        13,
        noting(lambda journal: journal.answers.append(answer(503, says_when=True))),
    ),
    "an earlier run that is called after a later one": (
        14,
        noting(lambda journal: journal.calls.append(call("o0", NOON + 11, 2, job_id="often"))),
    ),
}


def test_a_run_that_went_well_breaks_nothing() -> None:
    assert invariants.check(good()) == {}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found_and_names_who_shows_it(name: str) -> None:
    number, evidence = BREACHES[name]
    found = invariants.check(evidence)
    assert number in found
    assert all(breach.ids and breach.words for breach in found[number])


def test_every_invariant_has_a_breach_here() -> None:
    assert {number for number, _ in BREACHES.values()} == set(invariants.INVARIANTS)


def test_an_overlap_is_explained_by_a_worker_that_was_frozen_meanwhile_and_still_counted() -> None:
    def note(journal: Journal) -> None:
        journal.calls.append(call("r", NOON + 0.2, 2))
        journal.faults.append(Fault("worker frozen", NOON + 0.1, NOON + 9, "worker_a"))

    evidence = noting(note)
    assert 6 not in invariants.check(evidence)
    assert len(list(overlaps(evidence))) == 1


def test_a_503_that_says_when_to_ask_again_is_right_while_the_database_is_away() -> None:
    assert 13 not in invariants.check(noting(lambda journal: database_away(journal, answer(503, says_when=True))))


def test_a_frozen_worker_may_call_for_an_earlier_run_of_a_job_that_skips() -> None:
    def note(journal: Journal) -> None:
        journal.calls.append(call("o0", NOON + 11, 2, job_id="often"))
        journal.faults.append(Fault("worker frozen", NOON + 5, NOON + 12, "worker_a"))

    assert 14 not in invariants.check(noting(note))


def test_what_is_skipped_while_another_run_of_its_job_goes_on_is_skipped_rightly() -> None:
    long = run("o0", OFTEN, NOON, finished=NOON + 12)
    assert 2 not in invariants.check(with_runs(long, run("o1", OFTEN, NOON + 10, status="skipped")))


def test_a_run_of_a_deleted_job_is_rightly_given_up_after_one_attempt_that_was_lost() -> None:
    lost = attempts(AttemptRow("r", 1, 1, NOON, NOON + 1, "lost"))
    runs = (DROP(R, status="failed", reason="job ended"), *lost.runs[1:])
    jobs = (DROP(ONCE, state="cancelled", deleted=True), OFTEN)
    assert 4 not in invariants.check(DROP(lost, runs=runs, jobs=jobs))


def test_a_202_counts_once_its_report_was_taken() -> None:
    def note(journal: Journal) -> None:
        journal.calls[0].status = 202
        journal.reports.append(Report("r", 1, 200))

    assert invariants.check(noting(note)) == {}


def test_after_a_reset_a_listener_is_held_to_what_it_was_told_since() -> None:
    told = [Told("run", 1, "r", "running", 1), Told("reset", 2, at=NOON + 60)]
    assert invariants.check(noting(lambda journal: journal.told.update(a=told))) == {}


@pytest.mark.parametrize("losses", [1, 2])
def test_only_a_run_that_lost_two_workers_may_be_put_back(losses: int) -> None:
    lost = [AttemptRow("r", number + 1, number + 1, NOON, NOON + 1, "lost") for number in range(losses)]
    evidence = attempts(*lost, AttemptRow("r", losses + 1, losses + 2, NOON, NOON + 1, "succeeded", losses + 1))
    told = [Told("run", 1, "r", "queued", losses), Told("run", 2, "r", "retrying", losses)]
    evidence.journal.told.update(a=[*told, Told("run", 3, "r", "completed", losses + 1)])
    breaches = [breach.words for breach in live_updates_go_forward(evidence) if breach.ids == ("r",)]
    assert breaches == (["a was told retrying after queued"] if losses == 1 else [])


def test_waiting_within_an_outage_is_nobodys_fault() -> None:
    slow = tuple(run(f"w{n}", OFTEN, NOON + n, started=NOON + n + 9) for n in range(30))
    outage = Fault("PostgreSQL frozen", NOON, NOON + 30)
    assert 10 not in invariants.check(noting(lambda journal: journal.faults.append(outage), runs=slow))
