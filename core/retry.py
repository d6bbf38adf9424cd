"""Decide whether and when a run is retried."""

from __future__ import annotations

from dataclasses import dataclass

from core import storable
from core.errors import AttemptError

MAX_BACKOFF_SECONDS = 3600.0
MIN_BACKOFF_SECONDS = 0.01  # a shorter backoff would hammer a receiver that is down, even doubled
LONGEST_BACKOFF_SECONDS = 365 * 86_400.0
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0
MAX_LOSSES = 3
LAST_LOSSES = MAX_LOSSES - 1  # of a run that is not tried again once another worker is lost with it
LOSS_BACKOFF_SECONDS = 1.0
APART_SECONDS = 2.0
"""How long a run on its last loss waits, each time, for another one in the same process to end."""
SPREAD = 0.1


@dataclass(frozen=True)
class RetryPolicy:
    """The number and the backoff of retries: `max_retries`, after waits from `base_seconds` to `max_seconds`."""

    max_retries: int
    base_seconds: float
    max_seconds: float = MAX_BACKOFF_SECONDS


@dataclass(frozen=True)
class RetryDecision:
    """The decision after an unsuccessful attempt: the seconds until a retry, or None for no retry.

    `least_seconds` is the part of the wait that the receiver asked for.
    """

    wait_seconds: float | None
    least_seconds: float = 0.0


GIVE_UP = RetryDecision(None)


def after_failure(policy: RetryPolicy, failures: int, error: AttemptError, spread: float) -> RetryDecision:
    """Decide after the `failures`-th failed attempt.

    `spread`, drawn from [0, 1), keeps runs that failed together from being retried together (jitter).
    The wait is min(base * 2^(n-1), max) plus up to a tenth. The answer's Retry-After is a lower bound, at most 24 h.
    Base and max count as at least a hundredth of a second and at most a year, whatever was stored.
    """
    if error.permanent or failures > policy.max_retries:
        return GIVE_UP
    floor = storable.seconds(error.retry_after_seconds, MAX_RETRY_AFTER_SECONDS) or 0.0
    backoff = _backoff(policy.base_seconds, failures, spread, policy.max_seconds)
    return RetryDecision(max(backoff, floor), least_seconds=floor)


def after_loss(losses: int, spread: float) -> RetryDecision:
    """Decide after the `losses`-th attempt whose worker died; the third ends the run."""
    if losses >= MAX_LOSSES:
        return GIVE_UP
    return RetryDecision(_backoff(LOSS_BACKOFF_SECONDS, losses, spread))


def _backoff(base: float, tries: int, spread: float, longest: float = MAX_BACKOFF_SECONDS) -> float:
    doublings = min(tries - 1, 32)
    return min(_bounded(base) * 2.0**doublings, _bounded(longest)) * (1 + SPREAD * spread)


def _bounded(seconds: float) -> float:
    return min(max(seconds, MIN_BACKOFF_SECONDS), LONGEST_BACKOFF_SECONDS)
