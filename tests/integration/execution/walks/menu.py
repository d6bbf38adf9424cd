"""What a random walk chooses from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from core.errors import AbortReason
from core.rates import Rate
from core.receiver_answers import PollAnswer
from core.schedules import DelayFromNow, Immediate, Interval, Polling
from services.execution import held_runs
from services.execution.work import Deferred, Failed, Result, Stopped, Succeeded, Work
from services.jobs import lifecycle, requested_runs, run_actions
from services.scheduling import overdue, overlap_queue
from services.system import System
from tests.factories import failed, refused, succeeded

RATES = (None, Rate(3, 10))
MAX_AT_ONCE = (None, 4)
SECONDS = (0.001, 1, 2, 5, 5, 20, 20, 61, 150)

SCHEDULES = (
    Immediate(),
    DelayFromNow(5),
    Interval(every_seconds=20),
    Interval(every_seconds=20),
    Interval(every_seconds=45, max_runs=3),
    Polling(5),
    Polling(2),
    Polling(2, max_polls=3),
    Polling(2, give_up_after_seconds=30),
)
DEADLINES: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"deadline_seconds": 30.0},
    {"deadline_seconds": 10.0, "expire": True},
)
EDITS: tuple[dict[str, Any], ...] = (
    {"priority": 9},
    {"max_retries": 2},
    {"data": {"n": 2}},
    {"deadline_seconds": 30.0, "expire": True},
    {"schedule": Interval(every_seconds=30)},
    {"schedule": Polling(2)},
    {"account_id": "acc2"},
)

NOT_DONE = PollAnswer({"page": 2}, done=False, next_in_seconds=None, progress=0.5, message="page 2")
POLLED = (NOT_DONE, replace(NOT_DONE, polling_state=None, next_in_seconds=3.0), replace(NOT_DONE, done=True))
FAILURES = (failed(), failed(), failed(40), refused(), refused(410))
RESULTS: tuple[Result, ...] = (
    *(succeeded(poll) for poll in POLLED),
    *(succeeded(poll) for poll in POLLED),
    *FAILURES,
    Deferred(),
    Deferred(),
    Stopped(AbortReason.SHUTDOWN),
    Stopped(AbortReason.CANCELLED),
)
REPORTS: tuple[Succeeded | Failed, ...] = (*(Succeeded(None, "", poll, {"made": 1}) for poll in POLLED), *FAILURES)

PASSES: tuple[Callable[[System], object], ...] = (
    overdue.age,
    overdue.watch_deadlines,
    overdue.watch_late,
    overlap_queue.give_all,
    held_runs.release_due_keys,
    held_runs.release_due_keys,
)
REPLAY_AGAIN = partial(requested_runs.replay, again=True)
CHANGES_OF_RUN: tuple[Callable[..., object], ...] = (run_actions.cancel, requested_runs.replay, REPLAY_AGAIN)
CHANGES_OF_JOB: tuple[Callable[..., object], ...] = (
    lifecycle.cancel,
    lifecycle.pause,
    lifecycle.resume,
    lifecycle.resume,
    requested_runs.trigger,
    requested_runs.trigger,
    requested_runs.retry,
    requested_runs.retry,
)


def fitting(work: Work, result: Any) -> Any:
    """A result that such a job may have: only answers to polls say whether it is done."""
    not_polling = isinstance(result, Succeeded) and work.polling_state is None
    return replace(result, poll=None) if not_polling else result
