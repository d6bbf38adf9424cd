"""Decide whether and when a run is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from core import storable
from core.errors import AttemptError

MAX_BACKOFF_SECONDS = 3600.0
LEAST_BACKOFF_SECONDS = 0.01  # less would hammer whoever is down: doubled from next to nothing, it stays nothing
LONGEST_BACKOFF_SECONDS = 365 * 86_400.0
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0
MAX_LOSSES = 3
LOSS_BACKOFF_SECONDS = 1.0
SPREAD = 0.1


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how soon: `max_retries` tries after the first, after waits from `base_seconds` to `max_seconds`."""

    max_retries: int
    base_seconds: float
    max_seconds: float = MAX_BACKOFF_SECONDS


@dataclass(frozen=True)
class RetryDecision:
    """The decision after an unsuccessful attempt: another one after so many seconds, or (None) no more."""

    wait_seconds: float | None


GIVE_UP = RetryDecision(None)


def after_failure(policy: RetryPolicy, failures: int, error: AttemptError, spread: float) -> RetryDecision:
    """Decide after the `failures`-th failed attempt.

    `spread`, drawn from [0, 1), keeps runs that failed together from being tried again together.
    The wait is min(base * 2^(n-1), max) and up to a tenth more. The answer's Retry-After is a floor, at most 24 h.
    Base and max count as at least a hundredth of a second and at most a year, whatever was stored.
    """
    if error.permanent or failures > policy.max_retries:
        return GIVE_UP
    floor = storable.seconds(error.retry_after_seconds, MAX_RETRY_AFTER_SECONDS) or 0.0
    return RetryDecision(max(_backoff(policy.base_seconds, failures, spread, policy.max_seconds), floor))


def after_loss(losses: int, spread: float) -> RetryDecision:
    """Decide after the `losses`-th attempt whose worker died; the third ends the run."""
    if losses >= MAX_LOSSES:
        return GIVE_UP
    return RetryDecision(_backoff(LOSS_BACKOFF_SECONDS, losses, spread))


def _backoff(base: float, tries: int, spread: float, longest: float = MAX_BACKOFF_SECONDS) -> float:
    doublings = min(tries - 1, 32)
    return min(_bounded(base) * 2.0**doublings, _bounded(longest)) * (1 + SPREAD * spread)


def _bounded(seconds: float) -> float:
    return min(max(seconds, LEAST_BACKOFF_SECONDS), LONGEST_BACKOFF_SECONDS)
