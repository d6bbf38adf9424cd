"""Which runs may go, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.keeping import EndedRun, Keep, is_dispensable, kept_newest, kept_since

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("has_succeeded", "has_newer", "has_newer_success", "goes"),
    [
        (True, True, True, True),
        (True, True, False, False),  # the last success
        (False, True, False, True),
        (False, False, False, False),  # the last run
    ],
)
def test_of_a_job_that_goes_on_the_last_run_and_the_last_success_stay(
    has_succeeded: bool, has_newer: bool, has_newer_success: bool, goes: bool
) -> None:
    facts = {"has_succeeded": has_succeeded, "has_newer": has_newer, "has_newer_success": has_newer_success}
    assert is_dispensable(EndedRun(job_has_ended=False, never_ran=False, **facts)) is goes
    assert is_dispensable(EndedRun(job_has_ended=True, never_ran=False, **facts))


def test_an_occurrence_that_never_ran_is_not_the_last_run() -> None:
    last = EndedRun(job_has_ended=False, never_ran=True, has_succeeded=False, has_newer=False, has_newer_success=False)
    assert is_dispensable(last)


@pytest.mark.parametrize(
    ("keep", "ended", "days", "newest"),
    [
        (Keep(), False, 30, 0),
        (Keep(days=2), False, 2, 0),
        (Keep(last=5), False, None, 5),
        (Keep(days=2, last=5), False, 2, 5),
        (Keep(last=5), True, 30, 0),
        (Keep(days=90, last=5), True, 90, 0),
    ],
)
def test_a_rule_keeps_for_days_or_the_newest_until_its_job_has_ended(
    keep: Keep, ended: bool, days: float | None, newest: int
) -> None:
    since = kept_since(keep, NOON, 30, job_has_ended=ended)
    assert since == (None if days is None else NOON - timedelta(days=days))
    assert kept_newest(keep, job_has_ended=ended) == newest
