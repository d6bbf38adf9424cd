"""Invariants of runs and attempts: all end, are counted right, are called for, and never go on twice at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from bench.chaos.evidence import TERMINAL, AttemptRow, Evidence, RunRow
from bench.chaos.faults import WORKER_FROZEN
from bench.chaos.invariants.breaches import Breach
from bench.chaos.journal import Call
from bench.chaos.scenario import MAX_LOSSES, MAX_RETRIES

_GOOD = range(200, 300)
_ACCEPTED = 202
_JOB_ENDED = "job ended"
_CALLED = ("greet", "poll", "later")


def everything_ends(evidence: Evidence) -> Iterator[Breach]:
    """At the end every run is over, no lease is left, and all queues are empty."""
    for run in evidence.runs:
        if run.status not in TERMINAL:
            yield Breach((run.id,), f"still {run.status}")
        elif run.has_lease:
            yield Breach((run.id,), "is over and has a lease")
    for job in evidence.jobs:
        if job.state == "active" and not job.deleted:
            yield Breach((job.id,), "the job is still active")
    for queue, count in evidence.queues.items():
        yield Breach((queue,), f"{count} messages are left")


def attempts_add_up(evidence: Evidence) -> Iterator[Breach]:
    """Attempts are contiguous, as many as counted, within the limits, and every call is of one of them."""
    for run in evidence.runs:
        attempts = evidence.attempts_of[run.id]
        ended = run.attempt_count - (run.status == "running")
        if [one.number for one in attempts] != list(range(1, ended + 1)):
            yield Breach((run.id,), f"attempts {[one.number for one in attempts]} of {ended} that have ended")
        for one in attempts:
            if one.outcome is None:
                yield Breach((run.id,), f"attempt {one.number} is stored without its end")
        yield from _within_limits(run, attempts, evidence)
    known = {(one.run_id, one.number) for one in evidence.attempts}
    known |= {(run.id, run.attempt_count) for run in evidence.runs if run.status == "running"}  # stored when they end
    for call in evidence.journal.calls:
        if (call.run_id, call.attempt) not in known:
            yield Breach((call.run_id,), f"was called as attempt {call.attempt}, which is not stored")


def _within_limits(run: RunRow, attempts: Sequence[AttemptRow], evidence: Evidence) -> Iterator[Breach]:
    failed = sum(one.outcome == "failed" for one in attempts)
    lost = sum(one.outcome == "lost" for one in attempts)
    if failed > MAX_RETRIES + 1 or lost > MAX_LOSSES:
        yield Breach((run.id,), f"failed {failed} times and was lost {lost} times, and was tried again")
    if run.status == "failed" and failed <= MAX_RETRIES and lost < MAX_LOSSES and not _is_of_deleted(run, evidence):
        yield Breach((run.id,), f"given up after {failed} failures and {lost} losses (reason: {run.reason})")


def _is_of_deleted(run: RunRow, evidence: Evidence) -> bool:
    """Whether it is tried no more because its job was deleted while an attempt was under way."""
    job = evidence.job.get(run.job_id)
    return run.reason == _JOB_ENDED and job is not None and job.deleted


def completed_means_done(evidence: Evidence) -> Iterator[Breach]:
    """A completed run was answered well, its letter was taken, its file is there; all calls of a run have one key."""
    reported = {report.run_id for report in evidence.journal.reports if report.status in _GOOD}
    for run in evidence.runs:
        job = evidence.job.get(run.job_id)
        if run.status == "completed" and job is not None and job.task_type in _CALLED:
            statuses = {call.status for call in evidence.calls_of[run.id]}
            if not any(status in _GOOD for status in statuses if status is not None):
                yield Breach((run.id,), f"is completed; its calls were answered {statuses}")
            elif statuses <= {_ACCEPTED, None} and run.id not in reported:
                yield Breach((run.id,), "is completed by a 202 without a report")
        elif run.status == "completed" and job is not None:
            yield from _of_other_tasks(run, evidence)
    owners: dict[str, str] = {}
    for call in evidence.journal.calls:
        if owners.setdefault(call.key, call.run_id) != call.run_id:
            yield Breach((call.run_id, owners[call.key]), "two runs have one key")
    for run_id, calls in evidence.calls_of.items():
        if len({call.key for call in calls}) > 1:
            yield Breach((run_id,), "its calls have several keys")


def _of_other_tasks(run: RunRow, evidence: Evidence) -> Iterator[Breach]:
    journal = evidence.journal
    if run.job_id in journal.uploads and evidence.downloads.get(run.job_id) != journal.uploads[run.job_id]:
        yield Breach((run.id, run.job_id), "the file that was uploaded is not there, or is another")
    recipient = evidence.job[run.job_id].recipient
    if recipient is not None and recipient not in journal.letters:
        yield Breach((run.id,), f"its letter to {recipient} was never taken")


def attempts_never_overlap(evidence: Evidence) -> Iterator[Breach]:
    """Two calls of one run are never under way at once, but where a worker was frozen meanwhile."""
    return (
        Breach((former.run_id,), f"attempt {latter.attempt} began while {former.attempt} went on")
        for former, latter in overlaps(evidence)
        if not is_explained(former, latter, evidence)
    )


def overlaps(evidence: Evidence) -> Iterator[tuple[Call, Call]]:
    """Returns calls of one run of which the second began before the first had ended."""
    for calls in evidence.calls_of.values():
        for former, latter in itertools.pairwise(calls):
            if former.ended is None or former.ended > latter.started:
                yield former, latter


def is_explained(former: Call, latter: Call, evidence: Evidence) -> bool:
    """Whether a worker was frozen between the beginnings of both, and the second has a higher number."""
    return former.attempt < latter.attempt and any(
        fault.kind == WORKER_FROZEN and fault.began <= latter.started and fault.ended >= former.started
        for fault in evidence.journal.faults
    )


def fences_hold(evidence: Evidence) -> Iterator[Breach]:
    """Fences grow with each claim, what has ended never changes, and no result counts for another attempt."""
    for step in evidence.steps:
        claimed = step.attempts_after > step.attempts_before
        if step.fence_after < step.fence_before or (claimed and step.fence_after == step.fence_before):
            yield Breach((step.run_id,), f"its fence went from {step.fence_before} to {step.fence_after}")
        if step.before in TERMINAL:
            yield Breach((step.run_id,), f"was {step.before} and became {step.after}")
    for run_id, attempts in evidence.attempts_of.items():
        if any(one.fence >= other.fence for one, other in itertools.pairwise(attempts)):
            yield Breach((run_id,), f"attempts have the fences {[one.fence for one in attempts]}")
        for one in attempts:
            if one.answered_for not in (None, one.number):
                yield Breach((run_id,), f"attempt {one.number} has the answer of attempt {one.answered_for}")
