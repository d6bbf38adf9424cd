"""The kinds of jobs in a drill's load: the body that creates one, and what must have been seen of it in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.chaos.answers import POLL
from bench.chaos.journal import Call
from bench.drills.answers import CALLED, POLLS, RETRIED, SLOW

Body = dict[str, Any]
LIMITED_APP, LIMITED_ACCOUNT = "drill_0", "limited"
EDIT = {"data": {"edition": 1}}
EDITED_DUE_SECONDS = 6.0  # the edit is answered long before
_IMMEDIATE = {"type": "immediate"}
_OCCURRENCES = 4
_OK, _ERROR = 200, 500


@dataclass(frozen=True)
class Seen:
    """What was seen of a job: its calls in the order of their beginning, and how many letters came to its recipient."""

    calls: Sequence[Call]
    letters: int = 0


@dataclass(frozen=True)
class Kind:
    """One kind of job: how many of a round are of it, the body of each by its number, and what is promised of it.

    `fault` tells what was seen that was not promised; None if nothing was.
    """

    name: str
    of_round: int
    body: Callable[[int], Body]
    promise: str
    fault: Callable[[Seen], str | None]
    is_edited: bool = False


def recipient(number: int) -> str:
    """Returns to whom the letter with this number goes."""
    return f"user{number}@example.com"


def of_number(kinds: Sequence[Kind], number: int) -> Kind:
    """Returns the kind of the job with this number: rounds follow each other."""
    one_round = [kind for kind in kinds for _ in range(kind.of_round)]
    return one_round[number % len(one_round)]


def _new(number: int, task_type: str, schedule: Body, **more: Any) -> Body:
    return {
        "app_name": f"drill_{number % 2}",
        "user_id": "u",
        "account_id": f"a{number % 7}",
        "task_type": task_type,
        "schedule": schedule,
        "data": {"n": number},
        "retry_backoff_base": 1,
        **more,
    }


def _immediate(number: int) -> Body:
    return _new(number, CALLED, _IMMEDIATE)


def _later(number: int) -> Body:
    return _new(number, CALLED, _delay(5))


def _retried(number: int) -> Body:
    return _new(number, RETRIED, _IMMEDIATE)


def _polling(number: int) -> Body:
    return _new(number, POLL, {"type": "polling", "interval_seconds": 1})


def _limited(number: int) -> Body:
    return _new(number, SLOW, _IMMEDIATE, app_name=LIMITED_APP, account_id=LIMITED_ACCOUNT)


def _letter(number: int) -> Body:
    letter = {"recipient": recipient(number), "subject": "News", "body": "Dear reader", "context": {}}
    return _new(number, "send_email", _IMMEDIATE, data=letter)


def _interval(number: int) -> Body:
    return _new(number, CALLED, {"type": "interval", "every_seconds": 2, "max_runs": _OCCURRENCES})


def _edited(number: int) -> Body:
    return _new(number, CALLED, _delay(EDITED_DUE_SECONDS), data={"n": number, "edition": 0})


def _delay(seconds: float) -> Body:
    return {"type": "delay_from_now", "duration_seconds": seconds}


def _unless_runs(wanted: int) -> Callable[[Seen], str | None]:
    def fault(seen: Seen) -> str | None:
        runs = len({call.run_id for call in seen.calls})
        return None if runs == wanted else f"was called for in {runs} runs"

    return fault


def _unless_retried(seen: Seen) -> str | None:
    statuses = [call.status for call in seen.calls]
    # The receiver answers first attempts with an error; one that a worker gave back was never called.
    was_given_back = bool(seen.calls) and seen.calls[0].attempt > 1
    return None if statuses == ([_OK] if was_given_back else [_ERROR, _OK]) else f"was answered {statuses}"


def _unless_polled(seen: Seen) -> str | None:
    polls = [call.polls for call in seen.calls]
    return None if polls == list(range(POLLS)) else f"was sent the states {polls}"


def _unless_edited(seen: Seen) -> str | None:
    editions = [call.edition for call in seen.calls]
    return None if editions == [1] else f"was called with the editions {editions}"


def _unless_sent(seen: Seen) -> str | None:
    return None if seen.letters == 1 else f"came {seen.letters} times"


_ONCE = _unless_runs(1)
PLAIN = (
    Kind("immediate", 9, _immediate, "were called for", _ONCE),
    Kind("later", 1, _later, "were called for", _ONCE),
)
# A round has an odd number, so that both addresses of two get jobs of each kind. Of two limited jobs, one right after
# the other, the second is held.
MIXED = (
    Kind("immediate", 8, _immediate, "were called for", _ONCE),
    Kind("later", 2, _later, "were called for", _ONCE),
    Kind("retried", 2, _retried, "were called for again after an error, and not after that", _unless_retried),
    Kind("polling", 2, _polling, f"were sent the states 0 to {POLLS - 1}, each once and in this order", _unless_polled),
    Kind("limited", 2, _limited, "were called for", _ONCE),
    Kind("letter", 2, _letter, "came to their recipients, each once", _unless_sent),
    Kind("interval", 1, _interval, f"were called for in {_OCCURRENCES} runs", _unless_runs(_OCCURRENCES)),
    Kind("edited", 2, _edited, "were called for as they are since the edit", _unless_edited, is_edited=True),
)
