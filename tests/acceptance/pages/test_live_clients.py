"""The clients for browsers that docs/live.md prints, run in a browser on the server's own origin."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.acceptance.examples_of_live import blocks
from tests.acceptance.pages.conftest import Session, host_of, new_context
from tests.acceptance.pages.proxy import Proxy
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("chromium")
EVENTS, FRAMES = blocks("javascript")
LISTEN = f"""() => {{
    window.heard = [];
    window.frames_heard = [];
    const readAll = () => heard.push("everything"), show = (job) => heard.push(`job ${{job.id}}`);
    const showRun = (run) => heard.push(`run of ${{run.job_id}}`);
    {EVENTS}
    {FRAMES}
    listen((frame) => frames_heard.push(frame));
}}"""
MAKE = """async () => {
    const job = {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({name: "Report"})};
    return (await (await fetch("/jobs/api/jobs", job)).json()).id;
}"""


def test_the_printed_clients_of_browsers_hear_of_a_job_by_the_session_that_the_page_has(
    browser: Browser, proxy: Proxy, session: Session
) -> None:
    with new_context(browser, storage_state=session.cookies) as context:
        page = context.new_page()
        page.goto(f"{host_of(proxy)}/dashboard/mine")
        page.evaluate(LISTEN)
        until(lambda: "everything" in page.evaluate("heard"), "the stream to be open")
        until(
            lambda: {one["type"] for one in page.evaluate("frames_heard")} >= {"stats", "jobs"}, "the channel's answers"
        )
        made = page.evaluate(MAKE)
        told = {f"job {made}", f"run of {made}"}
        until(lambda: told <= set(page.evaluate("heard")), "the stream to tell of the job and of its run")
        until(lambda: page.evaluate("frames_heard.map((one) => one.data.id)").count(made), "the channel to tell of it")
