"""What the page of a job says of its policies."""

from __future__ import annotations

from dataclasses import replace

from core.principals import LOCAL
from core.schedules import Interval
from services.jobs import creating
from tests.factories import GivenSystem, new_job
from tests.integration.pages.browser import Browser

HOURLY = Interval(every_seconds=3600)


def test_policies_that_are_not_as_usual_are_explained(browser: Browser, system: GivenSystem) -> None:
    labels = {"Time limit", "First backoff", "Longest backoff", "Catch-up window", "Jitter", "Expires", "Keeps"}
    labels.add("Limit key")
    usual = browser.load(f"/dashboard/jobs/{creating.create(LOCAL, system, new_job(HOURLY))}")
    assert labels & set(usual.texts_of("dt")) == set()
    job_id = creating.create(
        LOCAL,
        system,
        new_job(
            replace(HOURLY, jitter_seconds=90),
            time_limit_seconds=45.0,
            retry_backoff_base=2.0,
            retry_backoff_max=600.0,
            catch_up_window_seconds=7200.0,
            deadline_seconds=60.0,
            expire=True,
            keep_days=7.0,
            keep_last=20,
            limit_key="{{data.customer}}",
        ),
    )
    page = browser.load(f"/dashboard/jobs/{job_id}")
    assert labels <= set(page.texts_of("dt"))
    for meaning in (
        "45 s for each attempt",
        "2.0 s before the first retry, doubled with each",
        "10 min before any retry",
        "2 h; what was missed longer ago stays missed",
        "each run is due up to 1 min 30 s after its instant",
        "a run that has not begun by its deadline is dropped",
        "the runs of the last 7 d and the newest 20 runs",
        "{{data.customer}}, filled in from the data",
    ):
        assert meaning in page.text
