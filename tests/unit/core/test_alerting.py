"""When a job's owner is told: at the fifth failure in a row, and when it is late; each once until it recovers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from core.alerting import FAILURES_IN_ROW, Alert, AlertKind, Condition, HealthEvent, judge, judge_job
from tests.factories import NOON

FAILED = HealthEvent(succeeded=False, words="The receiver is down.")
WELL = HealthEvent(succeeded=True)
NOTHING = HealthEvent(succeeded=None)
LATE = HealthEvent(succeeded=None, late=True)
LATER = NOON + timedelta(minutes=1)


@dataclass(frozen=True)
class Job:
    failures_in_row: int = FAILURES_IN_ROW - 1
    late_since: datetime | None = None
    deleted_at: datetime | None = None


def alerts(*events: HealthEvent, since: Condition | None = None) -> list[Alert]:
    return judge(since or Condition(), events, NOON)[1]


def test_four_failures_in_a_row_are_not_told() -> None:
    condition, told = judge(Condition(), [FAILED] * 4, NOON)
    assert (condition, told) == (Condition(4), [])


def test_the_fifth_failure_in_a_row_is_told_with_its_words() -> None:
    assert alerts(*[FAILED] * 5) == [Alert(AlertKind.FAILING, 5, "The receiver is down.")]


def test_the_sixth_and_all_later_ones_are_not_told_again() -> None:
    assert len(alerts(*[FAILED] * 50)) == 1
    assert alerts(FAILED, since=Condition(FAILURES_IN_ROW)) == []


def test_one_that_goes_well_ends_the_row() -> None:
    assert alerts(*[FAILED] * 4, WELL, *[FAILED] * 4) == []


def test_after_it_has_recovered_it_is_told_anew() -> None:
    assert len(alerts(*[FAILED] * 5, WELL, *[FAILED] * 5)) == 2


def test_what_says_nothing_leaves_the_row_as_it_is() -> None:
    assert len(alerts(*[FAILED] * 4, NOTHING, FAILED)) == 1


def test_being_late_is_told_once_until_it_goes_well_in_time() -> None:
    late = HealthEvent(succeeded=True, late=True)
    assert [one.kind for one in alerts(LATE, LATE, late, FAILED, LATE)] == [AlertKind.LATE]
    assert len(alerts(LATE, WELL, LATE)) == 2


@pytest.mark.parametrize(("event", "since"), [(LATE, NOON), (FAILED, NOON), (NOTHING, NOON), (WELL, None)])
def test_a_job_is_late_since_the_first_time(event: HealthEvent, since: object) -> None:
    condition, _ = judge(Condition(late_since=NOON), [event], LATER)
    assert condition.late_since == since


def test_a_job_is_judged_by_the_condition_that_it_is_in() -> None:
    assert judge_job(Job(), [FAILED], NOON) == (Condition(5), [Alert(AlertKind.FAILING, 5, FAILED.words)], True)
    assert judge_job(Job(), [NOTHING], NOON) == (Condition(4), [], False)


def test_nobody_is_told_of_a_deleted_job() -> None:
    assert judge_job(Job(deleted_at=NOON), [FAILED], NOON) == (Condition(5), (), True)
