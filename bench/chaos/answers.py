"""How the receiver answers each call: drawn from the seed by the job's number, so that a run can be repeated."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from bench.chaos.journal import Call
from bench.chaos.scenario import CALL_LIMIT_SECONDS, POLLS

LATER, POLL, GREET = "later", "poll", "greet"
_LARGE = b"x" * 5_000_000
_SLOW_SECONDS, _HANG_SECONDS = 1.5, CALL_LIMIT_SECONDS + 3


class Manner(Enum):
    """What a call meets; those from ERROR on are met by the first attempt only."""

    WELL = auto()
    SLOW = auto()
    LARGE = auto()
    ERROR = auto()
    BUSY = auto()
    HANG = auto()
    RESET = auto()


_SHARES = {
    Manner.WELL: 80,
    Manner.ERROR: 10,
    Manner.BUSY: 4,
    Manner.SLOW: 3,
    Manner.HANG: 1,
    Manner.LARGE: 1,
    Manner.RESET: 1,
}
_ONCE = (Manner.ERROR, Manner.BUSY, Manner.HANG, Manner.RESET)


@dataclass(frozen=True)
class Answer:
    """What is answered, after how long; with `resets` the connection is reset instead."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    wait_seconds: float = 0.02
    resets: bool = False


def manner(seed: int, number: int, attempt: int) -> Manner:
    """Returns what an attempt at the job of this number meets."""
    drawn = random.Random(f"{seed}/answer/{number}").choices(list(_SHARES), list(_SHARES.values()))[0]
    return Manner.WELL if attempt > 1 and drawn in _ONCE else drawn


def answer(seed: int, number: int, call: Call) -> Answer:
    """Returns the answer to a call."""
    met = manner(seed, number, call.attempt)
    body = _json({"attempt": call.attempt})
    match met:
        case Manner.ERROR:
            return Answer(500, body)
        case Manner.BUSY:
            return Answer(429, body, {"Retry-After": "2"})
        case Manner.HANG:
            return Answer(wait_seconds=_HANG_SECONDS, resets=True)
        case Manner.RESET:
            return Answer(resets=True)
    if call.task_type == POLL:
        body = polled(call, POLLS)
    elif call.task_type == LATER:
        return Answer(202, body)
    elif met is Manner.LARGE:
        body = _LARGE
    return Answer(200, body, wait_seconds=_SLOW_SECONDS if met is Manner.SLOW else Answer.wait_seconds)


def polled(call: Call, most: int) -> bytes:
    """Returns the body of the answer to a poll: the next state, and whether this was the last of so many polls."""
    polls = (call.polls or 0) + 1
    return _json({"polling_state": {"polls": polls}, "done": polls >= most, "attempt": call.attempt})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
