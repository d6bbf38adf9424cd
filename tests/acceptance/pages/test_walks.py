"""What people do on the dashboard, from the first visit on: by mouse, by keyboard, on a phone, without JavaScript."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.acceptance.journal import Gate
from tests.acceptance.pages.conftest import NewReader, Session, host_of
from tests.acceptance.pages.proxy import Proxy
from tests.acceptance.pages.reader import Reader, pages_of, too_wide

pytestmark = pytest.mark.xdist_group("chromium")
A_PHONE = 375


def test_a_run_is_watched_from_its_beginning_to_its_end_without_a_reload(ada: Reader, gate: Gate) -> None:
    gate.close()
    ada.make_job("greet", name="Greet")
    expect(ada.done).to_have_text("The job is created.")
    ada.page.evaluate("window.isTheSamePage = true")
    runs = ada.page.locator("#rows-of-runs tr")
    expect(runs.first).to_contain_text("running")
    gate.open()
    expect(ada.status).to_have_text("completed")
    expect(runs.first).to_contain_text("completed")
    assert ada.page.evaluate("window.isTheSamePage")


def test_a_job_is_edited_paused_for_a_reason_resumed_backfilled_cancelled_and_deleted(ada: Reader) -> None:
    ada.make_job("digest", "cron", name="Digest", schedule__cron__expression="0 9 * * mon-fri")
    ada.follow("Edit")
    ada.fill(priority="8", schedule__cron__expression="0 * * * *", reason="Hourly now")
    ada.press("Change the job")
    expect(ada.done).to_have_text("Changed.")
    expect(ada.page.locator("main")).to_contain_text("Hourly now")
    ada.do_for_a_reason("pause", "Lunch")
    expect(ada.status).to_have_text("paused")
    expect(ada.page.locator("#why-so")).to_contain_text("Lunch")
    ada.press("Resume")
    expect(ada.status).to_have_text("pending")
    ada.follow("Backfill…")
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    ada.fill(**{"from": f"{until - timedelta(hours=2):%Y-%m-%dT%H:%M:%S}", "to": f"{until:%Y-%m-%dT%H:%M:%S}"})
    ada.press("Try")
    ada.press("Run 2 now")
    expect(ada.page.locator("#rows-of-runs tr", has_text="backfill")).to_have_count(2)
    ada.do_for_a_reason("cancel", "Nobody reads it")
    expect(ada.status).to_have_text("cancelled")
    ada.do_for_a_reason("delete", "")
    expect(ada.done).to_have_text("Deleted.")
    expect(ada.page.locator("main")).not_to_contain_text("Digest")


def test_what_failed_is_repeated_singly_and_as_a_group(reader: NewReader) -> None:
    grace = reader()
    grace.begin("grace")
    for name in ("First", "Second", "Third"):
        grace.make_job("broken", name=name, max_retries="0")
        expect(grace.status).to_have_text("failed")
    grace.press("Replay")
    expect(grace.done).to_contain_text("A new run replays the one that failed.")
    expect(grace.status).to_have_text("failed")
    grace.open("/dashboard/failures")
    group = grace.page.locator("#failures tbody tr")
    expect(group).to_contain_text("The receiver answered 422")
    grace.follow("Replay…")
    grace.press("Replay 3")
    expect(grace.done).to_contain_text("The runs are being replayed")
    replays = grace.page.locator("#rows-of-runs tr")
    expect(replays).to_have_count(3)
    for name in ("First", "Second", "Third"):
        expect(replays.filter(has_text=name)).to_contain_text("failed")
    grace.open("/dashboard/jobs")
    grace.page.get_by_label("Tick all shown").check()
    grace.page.get_by_label("Tick First").uncheck()
    grace.page.get_by_label("Tick Second").uncheck()
    grace.page.locator("#bulk [name=action]").select_option("delete")
    grace.press("Preview…")
    grace.press("Delete 1")
    expect(grace.done).to_have_text("Deleted. 1 deleted, 0 refused.")
    expect(grace.page.locator("#jobs")).not_to_contain_text("Third")


def test_what_is_typed_is_tried_in_another_tab_and_what_completed_is_replayed_after_a_warning(ada: Reader) -> None:
    ada.open("/dashboard/new")
    ada.fill(task_type="greet", name="Tried")
    with ada.page.context.expect_page() as opened:
        ada.page.get_by_role("button", name="Try it once now").click()
    tried, done = opened.value, opened.value.locator("main > .note.ok")
    expect(done).to_have_text("A job was created that runs once, to try it. The form is still in its tab.")
    expect(tried.locator(".head .status").first).to_have_text("completed")
    expect(ada.page.locator("[name=name]")).to_have_value("Tried")
    tried.locator("#ask-replay summary").click()
    tried.get_by_role("button", name="Replay it nevertheless").click()
    expect(done).to_have_text("A new run does again what the one that completed has done.")
    expect(tried.locator(".head .status").first).to_have_text("completed")


def test_polling_is_watched_and_goes_on_from_a_former_state(ada: Reader, gate: Gate) -> None:
    ada.make_job("poll", "polling", name="Import", schedule__polling__interval_seconds="1")
    states, newest = ada.page.locator("#states > div"), ada.page.locator("#newest-state")
    ada.page.locator("#polling summary").click()
    one, two = re.compile(r'"seen": 1\b'), re.compile(r'"seen": 2\b')  # on a slow machine it goes on to 10 and 20
    first = states.filter(has_text=one)
    expect(states.filter(has_text=two)).to_have_count(1)
    gate.close()
    first.get_by_role("button", name="Go on from this one").click()
    expect(ada.done).to_have_text("Polling goes on from that state.")
    expect(newest).to_contain_text(one)
    expect(first).to_have_count(2)
    gate.open()
    expect(states.filter(has_text=two)).to_have_count(2)


def test_a_signing_secret_is_rotated_and_a_key_made(ada: Reader, session: Session) -> None:
    ada.open("/dashboard/apps")
    ada.follow(session.app)
    ada.press("Rotate")
    expect(ada.page.locator("#shown-once")).to_contain_text("whsec_")
    ada.page.locator("main a.button").click()
    ada.page.get_by_label("What the key is for").fill("ci")
    ada.press("Make a key")
    expect(ada.page.locator("#shown-once")).to_contain_text("crl_")


@pytest.mark.parametrize("scripts", [False, True], ids=["without JavaScript", "with JavaScript"])
def test_each_kind_of_task_is_made_by_its_form(
    reader: NewReader, session: Session, proxy: Proxy, *, scripts: bool
) -> None:
    one = reader(session if scripts else None, scripts=scripts)
    if not scripts:
        one.begin("carol")
    forms = {
        "http": {"data__url": f"{host_of(proxy)}/healthz", "data__method": "GET"},
        "send_email": {"data__recipient": "bob@example.com", "data__subject": "Hello", "data__body": "Hello."},
        "run_command": {"data__command": "echo hello"},
    }
    one.open("/dashboard/new")
    offered = one.page.get_by_label("Kind of task").get_by_role("link").all()
    kinds = {str(link.get_attribute("href")).partition("kind=")[2] for link in offered}
    assert kinds == {"", *forms}
    one.make_job("greet", "interval", schedule__interval__every_seconds="3600")
    made = [one.shown_id()]
    for kind, typed in forms.items():
        one.open(f"/dashboard/new?kind={kind}")
        one.fill(**typed)
        one.press("Make the job")
        expect(one.done).to_have_text("The job is created.")
        made.append(one.shown_id())
    one.open("/dashboard/new")
    one.follow("Upload a file")
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    one.page.get_by_label("File required").set_input_files(file)  # type: ignore[arg-type]  # a file without a path
    one.press("Upload it")
    expect(one.done).to_have_text("The job is created.")
    made.append(one.shown_id())
    for job_id in made[1:]:
        one.open(f"/dashboard/jobs/{job_id}")
        while one.status.inner_text() in ("pending", "queued", "running"):
            one.page.reload()
        expect(one.status).to_have_text("completed")
    one.do_for_a_reason("delete", "Seen")
    expect(one.done).to_have_text("Deleted.")


def test_two_users_never_see_what_is_the_others(ada: Reader, reader: NewReader) -> None:
    job_id = ada.make_job("greet", "interval", name="Of Ada alone", schedule__interval__every_seconds="3600")
    bob = reader()
    bob.begin("bob")
    for path in ("/dashboard/", "/dashboard/jobs", "/dashboard/upcoming", "/dashboard/queues", "/dashboard/audit"):
        bob.open(path)
        expect(bob.page.locator("body")).not_to_contain_text("Of Ada alone")
    answer = bob.page.goto(f"{ada.page.url.partition('/dashboard/')[0]}/dashboard/jobs/{job_id}")
    assert answer is not None
    assert answer.status == 404
    expect(bob.page.locator("h1")).to_have_text("There is nothing here")


def test_a_job_is_made_paused_and_found_by_keyboard_alone(ada: Reader) -> None:
    ada.open("/dashboard/")
    keys = ada.page.keyboard
    keys.press("g")
    keys.press("n")
    ada.page.wait_for_url("**/dashboard/new")
    tab_to(ada, "[name=task_type]")
    keys.type("greet")
    tab_to(ada, "[name=name]")
    keys.type("By keyboard")
    tab_to(ada, "[name='schedule.type']")
    for _ in range(3):
        keys.press("ArrowDown")
    tab_to(ada, "[name='schedule.cron.expression']")
    keys.type("0 9 * * *")
    tab_to(ada, "[name=do][value=create]")
    keys.press("Enter")
    ada.page.wait_for_url("**/dashboard/jobs/*")
    tab_to(ada, "summary.button")
    keys.press("Enter")
    tab_to(ada, "[name=reason]")
    keys.type("By keyboard, too")
    with ada.page.expect_navigation():
        keys.press("Enter")
    expect(ada.status).to_have_text("paused")
    keys.press("/")
    keys.type("By keyboard")
    with ada.page.expect_navigation(url="**/dashboard/jobs/*"):  # the only hit is opened at once
        keys.press("Enter")
    expect(ada.status).to_have_text("paused")
    keys.press("g")
    keys.press("j")
    ada.page.wait_for_url("**/dashboard/jobs")
    keys.press("j")
    assert ada.page.evaluate("document.activeElement.closest('#rows-of-jobs tr:first-child') !== null")
    keys.press("Enter")
    ada.page.wait_for_url("**/dashboard/jobs/*")


def test_a_job_is_looked_after_on_a_phone(reader: NewReader, session: Session) -> None:
    one = reader(session, width=A_PHONE)
    one.make_job("greet", "cron", name="Pocket", schedule__cron__expression="*/5 * * * *")
    one.do_for_a_reason("pause", "On the train")
    expect(one.status).to_have_text("paused")
    assert one.page.locator("#coming-instants").get_attribute("open") is None, "they would stand before the runs"
    one.open("/dashboard/jobs")
    expect(one.page.locator("select[name=kind]")).to_be_hidden()
    one.page.locator("#unfolded").check()
    expect(one.page.locator("select[name=kind]")).to_be_visible()
    one.open("/dashboard/runs?status=pending")
    assert not one.page.evaluate("[...document.querySelectorAll('td:empty')].some((one) => one.offsetHeight)")
    assert too_wide(one, pages_of(one), A_PHONE) == []


def tab_to(one: Reader, wanted: str) -> None:
    """Press Tab until the focus is on what fits a selector."""
    for _ in range(60):
        one.page.keyboard.press("Tab")
        if one.page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"Tab does not lead to {wanted}")
