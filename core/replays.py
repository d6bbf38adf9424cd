"""Decide whether a run can be replayed: done again by a new run, with a key of its own."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from core import schedules
from core.schedules import Polling
from core.states import DEAD, NEVER_FIRED, RunStatus


class Facts(NamedTuple):
    """The facts that decide about the replay of a run: its own, and those of its job as it is now."""

    run_id: UUID
    status: RunStatus
    job_id: UUID
    schedule_kind: str
    task_type: str
    is_done_once: bool  # whether such a task leaves nothing to repeat once it is completed


def refusal(facts: Facts, *, again: bool) -> str | None:
    """Returns why a run cannot be replayed; None if it can. `again`: even if it has completed."""
    if facts.status in DEAD:
        return None
    if facts.status == RunStatus.COMPLETED:
        return _of_completed(facts, again=again)
    if facts.status in NEVER_FIRED:
        remedy = "backfill its occurrence" if schedules.is_recurring(facts.schedule_kind) else "retry its job"
        return f"The run {facts.run_id} is {facts.status}: it never ran, so it cannot be replayed; {remedy} instead."
    return f"The run {facts.run_id} is {facts.status}; only one that has ended can be replayed: wait, or cancel it."


def _of_completed(facts: Facts, *, again: bool) -> str | None:
    if facts.schedule_kind == Polling.kind:
        return (
            f"The job {facts.job_id} polls, and each poll sends its newest state, so the completed run {facts.run_id} "
            "cannot be replayed. Rewind the polling state to poll on from an earlier one, or, if the job has ended, "
            "create a new job."
        )
    if facts.is_done_once:
        return (
            f"The run {facts.run_id} has completed, and a task of the type {facts.task_type} is done once and for all, "
            "so it cannot be replayed; create a new job instead."
        )
    if not again:
        return (
            f"The run {facts.run_id} has completed. A replay does the same once more, under another key, so that its "
            'receiver takes it for new work; send "again": true to ask for that, or replay it on its own page.'
        )
    return None
