"""Whether and when a run is tried again."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import AttemptError

MIN_BACKOFF_SECONDS = 0.001  # shorter, a hundred retries would be one burst
MAX_BACKOFF_SECONDS = 3600.0
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
    """What follows a try that did not succeed: another one after so many seconds, or (None) no more."""

    wait_seconds: float | None


GIVE_UP = RetryDecision(None)


def after_failure(policy: RetryPolicy, failures: int, error: AttemptError, spread: float) -> RetryDecision:
    """Decide after the `failures`-th failed attempt; `spread` in [0, 1) parts runs that failed together.

    The wait is min(base * 2^(n-1), max) and up to a tenth more. The answer's Retry-After is a floor, at most 24 h.
    """
    if error.permanent or failures > policy.max_retries:
        return GIVE_UP
    floor = min(error.retry_after_seconds or 0.0, MAX_RETRY_AFTER_SECONDS)
    return RetryDecision(max(_backoff(policy.base_seconds, failures, spread, policy.max_seconds), floor))


def after_loss(losses: int, spread: float) -> RetryDecision:
    """Decide after the `losses`-th attempt whose worker died; the third ends the run."""
    if losses >= MAX_LOSSES:
        return GIVE_UP
    return RetryDecision(_backoff(LOSS_BACKOFF_SECONDS, losses, spread))


def _backoff(base: float, tries: int, spread: float, longest: float = MAX_BACKOFF_SECONDS) -> float:
    doublings = min(tries - 1, 32)
    return min(base * 2.0**doublings, longest) * (1 + SPREAD * spread)
