"""Invariants of jobs: what was accepted is there, and every occurrence has its row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from bench.chaos.evidence import Evidence, JobRow, RunRow
from bench.chaos.faults import WORKER_FROZEN
from bench.chaos.invariants.breaches import Breach
from bench.chaos.invariants.outages import is_within, outages
from bench.chaos.journal import Call, Post, Request
from bench.chaos.oracle import occurrences

_UNPROCESSABLE, _AWAY = 422, 503
_GOOD = range(200, 300)
_REFUSED = (404, 409, _UNPROCESSABLE)
_OVER = "names no instant in the future"  # of a recurring job that was sent again until its end had come
_MISSED_AFTER_SECONDS = 60.0
_SAME_INSTANT_SECONDS = 0.001
_ONCE_EACH = ("schedule", "poll", "backfill")


def every_accepted_post_has_one_job(evidence: Evidence) -> Iterator[Breach]:
    """Each POST that was answered well has exactly one job; one key gives one id, and refuses another body."""
    stored: dict[int, list[str]] = defaultdict(list)
    for job in evidence.jobs:
        if job.number is not None:
            stored[job.number].append(job.id)
    posts: dict[int, list[Post]] = defaultdict(list)
    for post in evidence.journal.posts:
        posts[post.number].append(post)
    for number, sent in posts.items():
        yield from _of_one_number(number, sent, stored[number], evidence)
    yield from (
        Breach((job_id,), "an upload was accepted, and its job is gone")
        for job_id in evidence.journal.uploads
        if job_id not in evidence.job
    )


def _of_one_number(number: int, sent: Sequence[Post], stored: Sequence[str], evidence: Evidence) -> Iterator[Breach]:
    told = {post.job_id for post in sent if post.job_id is not None and not post.changed}
    if len(stored) > 1:
        yield Breach(tuple(stored), f"job number {number} is stored {len(stored)} times")
    if len(told) > 1:
        yield Breach(tuple(map(str, told)), f"one key was told {len(told)} ids")
    if lost := [job_id for job_id in told if job_id not in evidence.job]:
        yield Breach(tuple(map(str, lost)), f"job number {number} was accepted and is gone")
    for post in sent:
        if post.changed and post.status not in (_UNPROCESSABLE, None):
            yield Breach((str(post.job_id),), f"a key with another body was answered {post.status}, not 422")


def the_api_answers_through_outages(evidence: Evidence) -> Iterator[Breach]:
    """No answer is a fault of the server but 503, which says when to ask again, while PostgreSQL is away.

    While RabbitMQ alone is away, everything is accepted.
    """
    without_database = outages(evidence, lambda fault: fault.kind.startswith("PostgreSQL"))
    for answer in evidence.journal.answers:
        if answer.status == _AWAY:
            if not answer.says_when:
                yield Breach((answer.to,), "503 without Retry-After")
            if not is_within(without_database, answer.sent, answer.answered):
                yield Breach((answer.to,), f"503 at {answer.answered:.3f}, while PostgreSQL was there")
        elif answer.status not in _GOOD and answer.status not in _REFUSED and _OVER not in answer.told:
            yield Breach((answer.to,), f"answered {answer.status} at {answer.answered:.3f}: {answer.told}")


def runs_of_a_job_that_skips_take_turns(evidence: Evidence) -> Iterator[Breach]:
    """No run of a job whose overlaps are skipped is called while an earlier one of its runs is not over.

    By the journal alone: once a later run was called, no earlier one is called any more. While a worker is frozen, and
    a lease later, one may be, whose result is refused.
    """
    frozen = outages(evidence, lambda fault: fault.kind == WORKER_FROZEN)
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(evidence.journal.calls, key=lambda one: one.started):
        calls[call.job_id].append(call)
    planned = {run.id: run.scheduled_for for run in evidence.runs if run.trigger == "schedule"}
    for job in evidence.jobs:
        if job.overlap != "skip" or "ends_at" not in job.schedule:
            continue
        latest = 0.0
        for call in calls[job.id]:
            instant = planned.get(call.run_id, latest)
            if instant < latest and not is_within(frozen, call.started, call.started):
                yield Breach((job.id, call.run_id), "was called after a later run of a job whose overlaps are skipped")
            latest = max(latest, instant)


def rows_match_the_oracle(evidence: Evidence) -> Iterator[Breach]:
    """Each occurrence has one row, skipped and missed ones included, and there is no row for anything else."""
    once = Counter((run.job_id, run.trigger, run.scheduled_for) for run in evidence.runs if run.trigger in _ONCE_EACH)
    for (job_id, trigger, _), count in once.items():
        if count > 1:
            yield Breach((job_id,), f"{count} runs by {trigger} for one instant")
    changed = {one.job_id: one for one in evidence.journal.requests if one.kind in ("cancel", "delete")}
    for job in evidence.jobs:
        planned = [run for run in evidence.runs_of[job.id] if run.trigger == "schedule"]
        if "ends_at" in job.schedule:
            yield from _of_recurring(job, planned, changed.get(job.id))
            yield from _of_fates(job, planned, evidence)
        elif job.schedule["type"] != "polling" and len(planned) != 1:
            yield Breach((job.id,), f"a job for one instant has {len(planned)} runs")


def _of_recurring(job: JobRow, planned: Sequence[RunRow], change: Request | None) -> Iterator[Breach]:
    expected = occurrences(job.schedule, job.created)
    if any(run.status == "missed" and run.occurrences > 1 for run in planned):
        if sum(run.occurrences for run in planned) != len(expected):
            yield Breach((job.id,), "rows that stand for several occurrences do not add up to all of them")
        return
    until = float("inf") if change is None else change.sent
    owed = [instant for instant in expected if instant < until]
    if lacking := [instant for instant in owed if not _has(planned, instant)]:
        yield Breach((job.id,), f"no row for {len(lacking)} of {len(owed)} occurrences, first {lacking[0]:.3f}")
    for run in planned:
        if not any(abs(run.scheduled_for - instant) < _SAME_INSTANT_SECONDS for instant in expected):
            yield Breach((job.id, run.id), f"a row for {run.scheduled_for:.3f}, which the schedule does not name")


def _has(planned: Sequence[RunRow], instant: float) -> bool:
    return any(abs(run.scheduled_for - instant) < _SAME_INSTANT_SECONDS for run in planned)


def _of_fates(job: JobRow, planned: Sequence[RunRow], evidence: Evidence) -> Iterator[Breach]:
    for run in planned:
        if run.status == "missed" and run.created - run.due < _MISSED_AFTER_SECONDS:
            yield Breach((job.id, run.id), "missed, though its row was made in time")
        if run.status == "skipped" and not _is_skipped_rightly(job, run, evidence):
            yield Breach((job.id, run.id), f"skipped ({run.reason}), though no other run of the job was going")


def _is_skipped_rightly(job: JobRow, run: RunRow, evidence: Evidence) -> bool:
    decided = run.finished or run.due
    return job.overlap != "allow" and any(
        other.id != run.id
        and other.status not in ("skipped", "missed")
        and other.scheduled_for <= decided
        and (other.finished is None or other.finished >= run.due)
        for other in evidence.runs_of[job.id]
    )
