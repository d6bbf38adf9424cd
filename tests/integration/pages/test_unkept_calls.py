"""Where the request of an attempt is not kept, its run's page says so, and why."""

from __future__ import annotations

import pytest

from core.calls import CallsKept
from core.errors import PermanentFailure
from services.execution import claiming, kept_calls, workers
from services.execution.work import Failed, Result
from services.messaging import broker as brokers
from tests.factories import GivenSystem, claim, first_run, given_system, record, refused, succeeded
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.conftest import site


def page_of(system: GivenSystem, result: Result, *, sends: bool = True) -> Page:
    """The page of a run whose attempt ended with this, as a worker records it."""
    run = first_run(system)
    [work] = claim(system)
    if sends:
        work.transcript.sends("POST", "http://receiver.example.com/", {}, b"{}")
    kept_calls.prepare(system, work, result)
    record(system, work, result)
    return Browser(site(system)).load(f"/dashboard/runs/{run.id}")


@pytest.mark.parametrize(
    ("kept", "result", "why"),
    [
        (CallsKept.NONE, refused(422), "Its request is not kept: CALLS_KEPT is none."),
        (
            CallsKept.FAILED,
            succeeded(),
            "Its request is not kept: CALLS_KEPT is failed, and this attempt did not fail.",
        ),
    ],
)
def test_what_the_setting_leaves_out_is_said_to_be_left_out(
    sqlite: str, kept: CallsKept, result: Result, why: str
) -> None:
    assert why in page_of(given_system(calls_kept=kept), result).text


def test_an_attempt_that_ended_before_it_sent_a_request_says_so(system: GivenSystem) -> None:
    page = page_of(system, Failed(PermanentFailure("There is no URL to call.")), sends=False)
    assert "Its request is not kept: the attempt ended before one was sent" in page.text


@pytest.mark.parametrize("result", [refused(422), succeeded()])
def test_what_is_kept_is_shown_and_nothing_is_said_to_be_missing(system: GivenSystem, result: Result) -> None:
    page = page_of(system, result)
    assert "POST http://receiver.example.com/" in page.text
    assert "not kept" not in page.text


def test_of_an_attempt_under_way_nothing_is_said_yet(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    claim(system)
    assert "not kept" not in browser.load(f"/dashboard/runs/{run.id}").text


def test_a_task_that_makes_no_http_call_has_no_request_to_keep(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system, task_type="send_email", data={"recipient": "a@example.com", "subject": "s", "body": "b"})
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_EMAIL, 1)
    record(system, work, succeeded())
    assert "not kept" not in browser.load(f"/dashboard/runs/{run.id}").text
