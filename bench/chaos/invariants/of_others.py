"""Invariants of what happens around runs: polling states, cancels, waiting times, live channels, memory."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from bench.chaos.evidence import TERMINAL, Evidence, RunRow
from bench.chaos.faults import FLOOD
from bench.chaos.invariants.breaches import Breach
from bench.chaos.invariants.outages import is_within, outages
from bench.chaos.journal import Told
from bench.chaos.scenario import CALL_LIMIT_SECONDS, MIN_CALM, SMALL_TENANTS, THREADS
from bench.figures import percentile
from core.retry import LAST_LOSSES

MAX_MEGABYTES = 300.0
# Web: its threads and the loops beside them. Worker: the engine, its recorder, the heartbeat, and a thread each.
MAX_CONNECTIONS = {"web": 17, "worker": 2 * (THREADS + 6), "coordinator": 2 * 24, "periodic": 2 * 2}
_CLOCK_SECONDS = 0.25
_HEARD_SECONDS = 2.0
_ORDER = {"pending": 0, "running": 1, "retrying": 2, "queued": 3}
_OVER = 4


def polling_states_go_forward(evidence: Evidence) -> Iterator[Breach]:
    """Neither the versions that are stored nor the states that are sent ever go back."""
    for job_id, before, after in evidence.polling_versions:
        if after != before + 1:
            yield Breach((job_id,), f"its polling state went from version {before} to {after}")
    sent: dict[str, list[int]] = defaultdict(list)
    for call in sorted(evidence.journal.calls, key=lambda one: one.started):
        if call.polls is not None:
            sent[call.job_id].append(call.polls)
    for job_id, polls in sent.items():
        if polls != sorted(polls):
            yield Breach((job_id,), f"was sent the states {polls}")


def cancelled_means_over(evidence: Evidence) -> Iterator[Breach]:
    """After a cancel, a delete or an edit was answered, no attempt begins that does not know of it."""
    for step in evidence.steps:
        if step.is_cancelled and step.attempts_after > step.attempts_before:
            yield Breach((step.run_id,), "was claimed after it was cancelled")
    for request in evidence.journal.requests:
        for run in evidence.runs_of[request.job_id]:
            for attempt in evidence.attempts_of[run.id]:
                if request.edition is None and attempt.started > request.answered + _CLOCK_SECONDS:
                    yield Breach((request.job_id, run.id), f"attempt {attempt.number} began after the {request.kind}")
            yield from _of_edit(run, request.edition, request.answered, evidence)


def _of_edit(run: RunRow, edition: int | None, answered: float, evidence: Evidence) -> Iterator[Breach]:
    calls = evidence.calls_of[run.id]
    if edition is not None and calls and calls[0].attempt == 1:
        [first, *_] = evidence.attempts_of[run.id]
        if first.started > answered + _CLOCK_SECONDS and calls[0].edition != edition:
            yield Breach((run.id,), f"was called with edition {calls[0].edition} after the edit to {edition}")


def small_tenants_do_not_wait(evidence: Evidence) -> Iterator[Breach]:
    """Outside outages, small tenants' runs begin within a callback's duration and a second, but one of twenty."""
    waited = waits(evidence)
    if len(waited) < evidence.fewest_calm:
        yield Breach(SMALL_TENANTS, f"only {len(waited)} of their runs fell due outside outages, too few to judge")
    if len(waited) >= MIN_CALM and percentile(waited, 0.95) > CALL_LIMIT_SECONDS + 1:
        yield Breach(SMALL_TENANTS, f"{percentile(waited, 0.95):.1f} s (p95 of {len(waited)} runs)")


def waits(evidence: Evidence) -> list[float]:
    """Returns how long the runs of small tenants waited that fell due outside outages; a flood is none."""
    spans = outages(evidence, lambda fault: fault.kind != FLOOD)
    return [
        (run.started or run.scheduled_for) - run.scheduled_for
        for run in evidence.runs
        if run.started is not None
        and not run.was_held
        and evidence.job[run.job_id].account in SMALL_TENANTS
        and run.trigger in ("schedule", "poll")
        and not is_within(spans, run.scheduled_for, run.scheduled_for)
    ]


def live_updates_go_forward(evidence: Evidence) -> Iterator[Breach]:
    """What listeners are told never goes back, and ends with what the database has, of each run."""
    heard = {job.id for job in evidence.jobs if job.number is not None and not job.deleted}  # uploads are another app's
    final = {run.id: run for run in evidence.runs if run.job_id in heard}
    for name, told in evidence.journal.told.items():
        for before, after in itertools.pairwise(told):
            if after.as_of < before.as_of:
                yield Breach((name,), f"as_of fell from {before.as_of} to {after.as_of}")
        of_runs: dict[str, list[Told]] = defaultdict(list)
        for one in told:
            if one.kind == "run":
                of_runs[one.id].append(one)
        for run_id, frames in of_runs.items():
            lost = sum(one.outcome == "lost" for one in evidence.attempts_of.get(run_id, ()))
            yield from _of_frames(name, run_id, frames, may_be_put_back=lost >= LAST_LOSSES)
        yield from _of_ends(name, told, final)


def _of_ends(name: str, told: Sequence[Told], final: Mapping[str, RunRow]) -> Iterator[Breach]:
    """What a listener was told since it was last told to read everything again."""
    resets = [place for place, one in enumerate(told) if one.kind == "reset"]
    since = told[(resets[-1] + 1 if resets else 0) :]
    last = {one.id: one.status for one in since if one.kind == "run"}
    for run_id, status in last.items():
        if run_id in final and status != final[run_id].status:
            yield Breach((run_id,), f"{name} was last told {status}; it is {final[run_id].status}")
    if not told:
        yield Breach((name,), "was told nothing at all")
        return
    # Without a cursor, the first connection tells of nothing that was before.
    heard_from = told[resets[-1] if resets else 0].at + _HEARD_SECONDS
    for run_id, run in final.items():
        if run_id not in last and (run.finished or 0.0) > heard_from:
            yield Breach((run_id,), f"{name} got no event of this run, which ended after its last reset")


def _of_frames(name: str, run_id: str, frames: Sequence[Told], *, may_be_put_back: bool) -> Iterator[Breach]:
    """The events of a run that one listener got, in order; a run that lost two workers may be put back."""
    for before, after in itertools.pairwise(frames):
        if may_be_put_back and before.attempts == after.attempts >= LAST_LOSSES and after.status == "retrying":
            continue
        if _rank(after) < _rank(before) or (before.status in TERMINAL and after.status != before.status):
            yield Breach((run_id,), f"{name} was told {after.status} after {before.status}")


def _rank(told: Told) -> tuple[int, int]:
    return told.attempts, _ORDER.get(told.status, _OVER)


def processes_stay_small(evidence: Evidence) -> Iterator[Breach]:
    """Workers stay below 300 MB, and no kind of process has more connections than its threads."""
    for sample in evidence.journal.samples:
        if sample.of.startswith("worker") and sample.megabytes > MAX_MEGABYTES:
            yield Breach((sample.of,), f"took {sample.megabytes:.0f} MB")
        most = MAX_CONNECTIONS.get(sample.of.removeprefix("carillon "))
        if most is not None and sample.connections > most:
            yield Breach((sample.of,), f"had {sample.connections} connections, more than {most}")
