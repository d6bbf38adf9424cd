"""A file is uploaded by a form: by the limits, the access and the service of the API, never whole in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from urllib3 import encode_multipart_formdata

from models.tables import Job, Run, Upload
from services.files.receiving import Receptions
from services.files.spool import Incoming
from tests.factories import GivenSystem, first_run, given_system
from tests.integration.files.uploading import perform, spooled, stored
from tests.integration.pages.browser import Browser, Form, Page
from tests.integration.pages.conftest import site
from tests.integration.pages.making import wrong_beside
from tests.integration.pages.people import OF_OPERATORS, log_in, register

PATH = "/dashboard/upload"
BUTTON = "Upload it"
MOST = 600_000
NOTES = ("notes.txt", b"hello")


@pytest.fixture
def system(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(data_dir=tmp_path, max_upload_bytes=MOST)


def send(browser: Browser, form: Form, file: tuple[str, bytes] = NOTES, /, **typed: str) -> Any:
    """Send a form as browsers do: its fields in their order, the file last; the answer."""
    fields = {name: value for name, value in {**form.fields, **typed}.items() if name != "file"}
    body, content_type = encode_multipart_formdata([*fields.items(), ("file", file)])
    return browser.request("POST", form.action, body=body, **{"Content-Type": content_type})


def led_to(browser: Browser, answer: Any) -> Page:
    assert answer.status_code == 303, answer.text
    return browser.load(answer.headers["Location"])


def nothing_is_kept(system: GivenSystem) -> bool:
    return (spooled(system), Job.select().count(), Upload.select().count()) == ([], 0, 0)


def test_a_file_becomes_a_job_that_stores_it(browser: Browser, system: GivenSystem) -> None:
    links = browser.load("/dashboard/new").links
    page = browser.load(links["Upload a file"])
    assert "at most 600,000 bytes" in page.text
    shown = led_to(browser, send(browser, page.form(BUTTON), file_name="report.txt", priority="7", max_retries="1"))
    assert "The job is created." in shown.text
    job = Job.get()
    assert (job.task_type, job.priority, job.max_retries, job.data["file_name"]) == ("upload_file", 7, 1, "report.txt")
    [file] = spooled(system)
    assert file.read_bytes() == b"hello"
    assert "Stored report.txt (5 bytes)." in str(stored(system))


def test_the_page_of_a_job_leads_to_its_file_once_that_is_stored(browser: Browser, system: GivenSystem) -> None:
    answer = send(browser, browser.load(PATH).form(BUTTON), file_name="report.txt")
    assert "report.txt" not in led_to(browser, answer).links
    stored(system)
    link = led_to(browser, answer).links["report.txt"]
    lead = browser.request("GET", link)
    assert lead.status_code == 303
    there = urlsplit(lead.headers["Location"])
    assert there.path.startswith("/files/default/")
    file = browser.request("GET", f"{there.path}?{there.query}")
    assert file.content == b"hello"
    assert file.headers["Content-Disposition"].startswith("attachment;")


def test_what_is_not_stored_or_not_there_leads_to_no_file(browser: Browser, system: GivenSystem) -> None:
    send(browser, browser.load(PATH).form(BUTTON))
    job_id = Job.get().id
    assert browser.request("GET", f"/dashboard/jobs/{job_id}/file").status_code == 409
    assert browser.request("GET", f"/dashboard/jobs/{first_run(system).job_id}/file").status_code == 404


def test_it_may_be_stored_at_an_instant_on_the_readers_clocks(browser: Browser) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    form = browser.load(PATH).form(BUTTON)
    led_to(browser, send(browser, form, scheduled_time="2026-12-24T18:00:00"))
    assert Run.get().due_at == datetime(2026, 12, 24, 17, tzinfo=UTC)


def test_a_form_that_is_sent_twice_makes_one_job_and_another_file_under_its_key_is_refused(
    browser: Browser, system: GivenSystem
) -> None:
    form = browser.load(PATH).form(BUTTON)
    first, second = send(browser, form), send(browser, form)
    assert first.headers["Location"] == second.headers["Location"]
    assert (Job.select().count(), len(spooled(system))) == (1, 1)
    assert send(browser, form, ("notes.txt", b"another")).status_code == 422
    assert (Job.select().count(), len(spooled(system))) == (1, 1)


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"priority": "eleven"}, {"priority"}),
        ({"max_retries": "-1", "file_name": "x" * 256}, {"max_retries", "file_name"}),
        ({"scheduled_time": "2020-01-01T00:00:00"}, {"scheduled_time"}),
        ({"app_name": "no/name"}, {"app_name"}),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    browser: Browser, system: GivenSystem, typed: dict[str, str], wrong: set[str]
) -> None:
    page = Page(send(browser, browser.load(PATH).form(BUTTON), **typed))
    assert (page.status, wrong_beside(page)) == (400, wrong)
    assert {name: page.form(BUTTON).fields[name] for name in typed} == typed
    assert nothing_is_kept(system)
    led_to(browser, send(browser, page.form(BUTTON), **dict.fromkeys(typed, "")))


def test_a_file_must_be_chosen(browser: Browser, system: GivenSystem) -> None:
    page = Page(send(browser, browser.load(PATH).form(BUTTON), ("", b"")))
    assert (page.status, wrong_beside(page)) == (400, {"file"})
    assert "File must be chosen." in page.text
    assert nothing_is_kept(system)


def test_a_file_that_is_too_large_is_refused_beside_its_field_and_is_never_whole_in_memory(
    browser: Browser, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[int] = []
    write = Incoming.write

    def noted(incoming: Incoming, piece: bytes) -> None:
        pieces.append(len(piece))
        write(incoming, piece)

    monkeypatch.setattr(Incoming, "write", noted)
    form = browser.load(PATH).form(BUTTON)
    led_to(browser, send(browser, form, ("a", bytes(MOST))))
    assert max(pieces) <= 256 * 1024
    page = Page(send(browser, browser.load(PATH).form(BUTTON), ("a", bytes(MOST + 1))))
    assert (page.status, wrong_beside(page)) == (413, {"file"})
    assert f"The file is larger than {MOST} bytes." in page.text
    assert len(spooled(system)) == 1


OF_USERS = {"internal_secret": OF_OPERATORS, "max_upload_bytes": MOST, "max_waiting_upload_bytes": MOST}


@pytest.fixture
def ada(sqlite: str, tmp_path: Path) -> Browser:
    """The browser of a user."""
    browser = Browser(site(given_system(data_dir=tmp_path, **OF_USERS)))
    register(browser, "ada", **{"X-Internal-Secret": OF_OPERATORS})
    log_in(browser, name="ada")
    return browser


def test_a_user_is_not_asked_whose_a_file_is(ada: Browser) -> None:
    form = ada.load(PATH).form(BUTTON)
    assert {"app_name", "account_id", "user_id"} & form.fields.keys() == set()
    led_to(ada, send(ada, form))
    assert (Job.get().account_id, Job.get().app.name) == ("ada", "default")


def test_the_app_that_an_administrator_names_must_be_there(sqlite: str, tmp_path: Path) -> None:
    browser = Browser(site(given_system(data_dir=tmp_path, admin_usernames="ada", **OF_USERS)))
    register(browser, "ada", **{"X-Internal-Secret": OF_OPERATORS})
    log_in(browser, name="ada")
    page = Page(send(browser, browser.load(PATH).form(BUTTON), app_name="missing"))
    assert (page.status, wrong_beside(page)) == (400, {"app_name"})
    assert "Make it on the page of apps." in page.text


def test_without_the_token_of_the_session_no_byte_of_the_file_is_taken(
    ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ada.load(PATH).form(BUTTON)
    monkeypatch.setattr(Incoming, "write", pytest.fail)
    for token in ("", "0" * 64):
        refused = send(ada, form, form_token=token)
        assert (refused.status_code, "not of this session" in refused.text) == (403, True)
    late = Form(form.action, form.method, {name: value for name, value in form.fields.items() if name != "form_token"})
    body, content_type = encode_multipart_formdata(
        [*late.fields.items(), ("file", ("a", b"x")), ("form_token", form.fields["form_token"])]
    )
    refused = ada.request("POST", form.action, body=body, **{"Content-Type": content_type})
    assert refused.status_code == 403, "the token comes before the file"
    other_site = {"Sec-Fetch-Site": "cross-site"}
    body, content_type = encode_multipart_formdata([*form.fields.items(), ("file", ("a", b"x"))])
    assert ada.request("POST", PATH, body=body, **{"Content-Type": content_type}, **other_site).status_code == 403
    assert Job.select().count() == 0


def test_more_than_may_wait_of_a_user_is_refused(ada: Browser) -> None:
    led_to(ada, send(ada, ada.load(PATH).form(BUTTON), ("a", bytes(MOST - 1))))
    refused = send(ada, ada.load(PATH).form(BUTTON))
    assert (refused.status_code, "MAX_WAITING_UPLOAD_BYTES" in refused.text) == (403, True)
    assert Job.select().count() == 1


def test_a_stranger_is_led_to_the_login_and_sends_nothing(ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    form = ada.load(PATH).form(BUTTON)
    monkeypatch.setattr(Receptions, "begin", pytest.fail)
    answer = send(Browser(ada.app), form)
    assert (answer.status_code, "/login/" in answer.headers["Location"]) == (303, True)


def test_what_is_no_form_with_a_file_is_refused(browser: Browser) -> None:
    assert browser.request("POST", PATH, body="priority=7").status_code == 415
    form = browser.load(PATH).form(BUTTON)
    body, content_type = encode_multipart_formdata(list(form.fields.items()))
    page = Page(browser.request("POST", PATH, body=body, **{"Content-Type": content_type}))
    assert (page.status, wrong_beside(page)) == (400, {"file"})


def test_a_stored_file_is_done_once(browser: Browser, system: GivenSystem) -> None:
    led_to(browser, send(browser, browser.load(PATH).form(BUTTON)))
    perform(system)
    page = browser.load(f"/dashboard/runs/{Run.get().id}")
    assert not page.has_button("Replay it nevertheless")
