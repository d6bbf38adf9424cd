"""How the receivers of drills answer: by the task type of a call and by its attempt."""

from __future__ import annotations

from bench.chaos.answers import POLL, Answer, polled
from bench.chaos.journal import Call

CALLED, RETRIED, SLOW = "drill", "retried", "slow"
POLLS = 4
_SLOW_SECONDS = 0.3


def well(_number: int, _call: Call) -> Answer:
    """Returns a success, at once."""
    return Answer(wait_seconds=0)


def by_kind(number: int, call: Call) -> Answer:
    """Returns an error for first attempts at what is to be retried, the next state for a poll, else a success."""
    if call.task_type == RETRIED and call.attempt == 1:
        return Answer(500, wait_seconds=0)
    if call.task_type == POLL:
        return Answer(body=polled(call, POLLS), wait_seconds=0)
    return Answer(wait_seconds=_SLOW_SECONDS) if call.task_type == SLOW else well(number, call)
