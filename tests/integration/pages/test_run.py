"""The page of a run: where its time went, its attempts, what came of it, and its buttons."""

from __future__ import annotations

from core import schedules, trace_context
from core.errors import PermanentFailure
from core.limits import Limit
from core.principals import LOCAL
from services.execution import held_runs, limit_changes
from services.execution.work import Failed
from services.jobs import lifecycle, requested_runs
from tests.factories import (
    GivenSystem,
    claim,
    failed,
    first_run,
    given_system,
    polled,
    record,
    refused,
    stored_run,
    succeeded,
)
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.conftest import site


def drawn(page: Page) -> list[str]:
    """What the bars of the time line stand for."""
    return [str(given["class"]).removeprefix("c-") for tag, given in page.elements if tag == "rect"]


def test_waiting_attempts_and_backoff_are_told_in_words_and_bars(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system, max_retries=1, retry_backoff_base=2.0)
    system.clock.advance(3)
    [work] = claim(system)
    system.clock.advance(1)
    record(system, work, failed())
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert drawn(page) == ["waiting", "failed", "backoff"]
    assert "attempt 1 failed HTTP 503: The receiver is down." in page.text
    assert "to be tried again" in page.text
    assert "retrying" in page.text
    numbers = [given.get("data-label") for tag, given in page.elements if tag == "td" and given.get("class") == "num"]
    assert numbers == ["No.", "Took"], "which a phone shows without the heads of their columns"


def test_a_held_run_says_what_it_waits_for(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    lifecycle.pause(LOCAL, system, run.job_id, reason="Lunch")
    system.clock.advance(5)
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert drawn(page) == ["held"]
    assert "It waits until the job is resumed." in page.text
    assert "held paused: the job, by somebody on this machine: “Lunch”" in page.text


def test_a_run_that_was_held_tells_behind_whom_and_for_how_long(browser: Browser, system: GivenSystem) -> None:
    first = first_run(system, priority=9)
    limit_changes.put(LOCAL, system, "app:app_a", Limit(1))
    run = first_run(system)
    [work] = claim(system)
    system.clock.advance(5)
    record(system, work, succeeded())
    held_runs.release_due_keys(system)
    system.clock.advance(2)
    [work] = claim(system)
    system.clock.advance(1)
    record(system, work, succeeded())
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert drawn(page) == ["held", "waiting", "succeeded"]
    assert "held for a free place under a limit of runs at once: app:app_a, behind" in page.text
    assert page.links[str(first.id)] == f"/dashboard/runs/{first.id}"
    assert f"by the number of runs that app:app_a allows at once, behind {first.id} ." in page.text


def test_a_run_that_failed_is_replayed_once_by_a_button_that_is_pressed_twice(
    browser: Browser, system: GivenSystem
) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, refused(422))
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert "The receiver will not have it." in page.text
    form = page.form("Replay")
    first, second = browser.submit(form), browser.submit(form)
    assert "A new run replays the one that failed." in first.text
    assert first.links[str(run.id)] == f"/dashboard/runs/{run.id}"
    assert first.text == second.text


def test_a_run_is_replayed_with_other_data(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, refused(422))
    form = browser.load(f"/dashboard/runs/{run.id}").form("Replay with this")
    assert '"some_key": "some_value"' in form.fields["data"]
    assert browser.submit(form, data="[1]").status == 400
    page = browser.submit(form, data='{"some_key": "another"}')
    assert "A new run replays the one that failed." in page.text
    [again] = claim(system)
    assert again.data == {"some_key": "another"}
    record(system, again, refused(422))
    once_more = browser.load(f"/dashboard/runs/{again.run_id}").form("Replay with this")
    assert '"some_key": "another"' in once_more.fields["data"]


def test_a_run_that_completed_is_replayed_after_a_warning(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, succeeded())
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert not page.has_button("Replay"), "that is for what failed"
    assert "Its receiver is called again, under another idempotency key" in page.text
    assert """-d '{"again": true}'""" in page.text, "its command says so, too"
    again = browser.submit(page.form("Replay it nevertheless"))
    assert "A new run does again what the one that completed has done." in again.text
    assert not browser.load(f"/dashboard/runs/{run.id}").has_button("Replay it nevertheless"), "one at a time"
    [work] = claim(system)
    record(system, work, succeeded())
    form = browser.load(f"/dashboard/runs/{run.id}").form("Replay with this")
    browser.submit(form, data='{"some_key": "another"}')
    [work] = claim(system)
    assert work.data == {"some_key": "another"}


def test_a_poll_that_completed_offers_no_replay(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system, schedules.Polling(30))
    [work] = claim(system)
    record(system, work, polled({"page": 2}))
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert not page.has_button("Replay it nevertheless")
    assert not page.has_button("Replay with this")
    assert "/replay" not in page.text


def test_what_the_receiver_says_of_its_refusal_stands_with_the_error(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    [work] = claim(system)
    error = PermanentFailure("The receiver answered 422.", status_code=422)
    record(system, work, Failed(error, '{"error": "The amount is missing."}'))
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert "The receiver answered 422. The receiver says: The amount is missing." in page.text


def test_the_runs_before_and_after_it_are_a_click_away(browser: Browser, system: GivenSystem) -> None:
    first = first_run(system, schedules.DelayFromNow(600))
    second = requested_runs.trigger(LOCAL, system, first.job_id)
    page = browser.load(f"/dashboard/runs/{first.id}")
    assert "the run before" not in page.links
    page = browser.load(page.links["the run after"])
    assert page.links["the run before"] == f"/dashboard/runs/{first.id}"
    assert str(second.id) in page.text


def test_a_run_that_goes_on_is_cancelled(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system, schedules.DelayFromNow(60))
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert not page.has_button("Replay")
    page = browser.submit(page.form("Cancel"))
    assert stored_run(run.id).status == "cancelled"
    assert not page.has_button("Replay"), "its job is cancelled with it"
    assert not page.has_button("Replay with this")


def test_a_cancelled_run_is_replayed_while_its_job_goes_on(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system, schedules.Cron("* * * * *"))
    requested = requested_runs.trigger(LOCAL, system, run.job_id)
    page = browser.load(f"/dashboard/runs/{requested.id}")
    page = browser.submit(page.form("Cancel"))
    assert stored_run(requested.id).status == "cancelled"
    assert page.has_button("Replay")
    assert page.has_button("Replay with this")


def test_a_run_that_ended_offers_no_cancelling_and_says_that_no_result_came(
    browser: Browser, system: GivenSystem
) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, succeeded())
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert [element for element in page.elements if element[1].get("id") == "ask-cancel"] == []
    assert ("None." in page.text, "None yet." in page.text) == (True, False)


def test_its_trace_is_named_and_leads_to_where_traces_are_shown(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    trace_id = trace_context.own_trace_id(run.id)
    path = f"/dashboard/runs/{run.id}"
    page = browser.load(path)
    assert trace_id in page.text
    assert trace_id not in page.links
    where = given_system(trace_url="https://jaeger.example.com/trace/{trace_id}?from=carillon")
    page = Browser(site(where)).load(path)
    assert page.links[trace_id] == f"https://jaeger.example.com/trace/{trace_id}?from=carillon"


def test_a_result_is_shown(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, succeeded())
    page = browser.load(f"/dashboard/runs/{run.id}")
    assert "It ran: begun at" in page.text
    assert drawn(page) == ["succeeded"]


def test_a_run_that_was_replayed_names_its_replay_and_what_came_of_it(browser: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    [work] = claim(system)
    record(system, work, refused(422))
    path = f"/dashboard/runs/{run.id}"
    assert browser.load(path).has_button("Replay")
    replay = requested_runs.replay(LOCAL, system, run.id)
    page = browser.load(path)
    assert page.links[str(replay.id)] == f"/dashboard/runs/{replay.id}"
    assert f"by {replay.id} queued" in page.text
    assert not page.has_button("Replay")
    assert not page.has_button("Replay with this"), "one replay at a time"
    [work] = claim(system)
    record(system, work, succeeded())
    page = browser.load(path)
    assert f"by {replay.id} completed" in page.text
    assert not page.has_button("Replay")
    assert f"Replay of {run.id}" in browser.load(f"/dashboard/runs/{replay.id}").text
