"""Logging in where a secret is set: by a session's cookie, with a token in each form of the session."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from core import schedules
from core.principals import LOCAL
from services.access import invitations, password_resets
from services.apps import apps
from services.email import outbox
from services.jobs import creating, lifecycle
from tests.factories import GivenSystem, given_system, new_job
from tests.integration.pages.browser import Browser, Form
from tests.integration.pages.conftest import site
from tests.integration.pages.people import NAME, OF_OPERATORS, PASSWORD, log_in, register

WRONG = "wrong <b>"


@pytest.fixture
def system(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(internal_secret=OF_OPERATORS, admin_usernames="root", data_dir=tmp_path)


def test_a_stranger_is_led_to_the_login_and_from_there_to_the_page_they_wanted(browser: Browser) -> None:
    register(browser)
    login = browser.load("/dashboard/jobs?status=failed")
    assert login.form("Log in").action == "/login/?next=%2Fdashboard%2Fjobs%3Fstatus%3Dfailed"
    page = browser.submit(login.form("Log in"), username=NAME, password=PASSWORD)
    assert "No job fits." in page.text


@pytest.mark.parametrize("name", ["Łódź", "a?b", "50%", "a b", "a#b&c"])
def test_the_login_leads_to_a_page_with_any_name_in_its_path(browser: Browser, name: str) -> None:
    register(browser)
    path = f"/dashboard/apps/{quote(name)}?done=saved"
    form = browser.load(path).form("Log in")
    answer = browser.send(form, username=NAME, password=PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, path)


@pytest.mark.parametrize("wanted", ["/dashboard/apps/Łódź", "/dashboard/apps/é", "/dashboard/\r\nX: y", "/task/\x7f"])
def test_the_login_leads_to_no_path_that_cannot_stand_in_a_header(browser: Browser, wanted: str) -> None:
    register(browser)
    form = browser.load(f"/login/?next={quote(wanted)}").form("Log in")
    assert form.action == "/login/"
    fields = urlencode({"username": NAME, "password": PASSWORD})
    answer = browser.request("POST", f"/login/?next={quote(wanted)}", body=fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard/")


@pytest.mark.parametrize("referer", ["http://127.0.0.1/dashboard/apps/é", "http://[/dashboard/"])
def test_the_choice_of_a_time_zone_leads_to_the_overview_from_an_odd_page(browser: Browser, referer: str) -> None:
    register(browser)
    log_in(browser)
    form = next(one for one in browser.load("/dashboard/").forms if one.action == "/dashboard/settings")
    body = urlencode({**form.fields, "zone": "UTC", "theme": "dark"})
    answer = browser.request("POST", form.action, body=body, Referer=referer)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard/")


def test_the_login_leads_to_no_other_site(browser: Browser) -> None:
    register(browser)
    for wanted in ("https://evil.example/dashboard/", "//evil.example", "/dashboard/\\evil.example", "/swagger/"):
        form = browser.load(f"/login/?next={wanted}").form("Log in")
        answer = browser.send(form, username=NAME, password=PASSWORD)
        assert answer.headers["Location"] == "/dashboard/"


def test_a_wrong_password_comes_back_with_the_name_that_was_typed(browser: Browser) -> None:
    register(browser)
    page = browser.submit(browser.load("/login/").form("Log in"), username=NAME, password=WRONG)
    assert page.status == 400
    assert "Invalid credentials." in page.text
    assert page.form("Log in").fields == {"username": NAME, "password": ""}


def test_what_is_wrong_with_a_registration_stands_beside_its_field(browser: Browser) -> None:
    form = browser.load("/register/").form("Register")
    page = browser.submit(form, username=NAME, email="no address", password=PASSWORD)
    assert page.status == 400
    assert [given["id"] for _, given in page.elements if str(given.get("id")).startswith("error-")] == ["error-email"]
    assert page.form("Register").fields["email"] == "no address"


def test_programs_still_get_json_at_the_same_addresses(browser: Browser) -> None:
    register(browser)
    given = {"Content-Type": "application/json", "Accept": "*/*"}
    answer = browser.request("POST", "/login/", body='{"username": "ada", "password": "wrong"}', **given)
    assert answer.json["error"] == "Invalid credentials."
    answer = browser.request("POST", "/login/", body=f'{{"username": "ada", "password": "{PASSWORD}"}}', **given)
    assert answer.json["token"]


def test_after_logging_out_a_page_is_for_strangers_again(browser: Browser) -> None:
    register(browser)
    log_in(browser)
    page = browser.submit(browser.load("/dashboard/jobs").form("Log out"))
    assert page.has_button("Log in")
    assert browser.load("/dashboard/jobs").has_button("Log in")


def test_a_form_without_the_token_of_its_session_is_refused(browser: Browser, system: GivenSystem) -> None:
    register(browser)
    log_in(browser)
    form = browser.load("/dashboard/jobs").form("Save")
    assert len(form.fields["form_token"]) == 64
    assert browser.send(form, form_token="").status_code == 403
    other = Browser(site(system))
    log_in(other)
    foreign = other.load("/dashboard/jobs").form("Save")
    assert browser.send(Form(form.action, "post", foreign.fields)).status_code == 403
    assert browser.send(form).status_code == 303


def test_a_page_that_asks_nothing_of_a_stranger_shows_them_no_navigation(browser: Browser) -> None:
    assert "Jobs" not in browser.load("/login/").links


def test_too_many_guesses_are_told_when_to_try_again(browser: Browser) -> None:
    register(browser)
    form = browser.load("/login/").form("Log in")
    pages = [browser.submit(form, username=NAME, password=WRONG) for _ in range(11)]
    assert [page.status for page in pages] == [400] * 10 + [429]
    assert "Wait " in pages[-1].text
    assert pages[-1].headers["Retry-After"]


def test_a_user_sees_what_the_api_would_show_them_and_is_told_what_it_would_not(browser: Browser) -> None:
    register(browser)
    log_in(browser)
    for path in ("/dashboard/", "/dashboard/jobs", "/dashboard/failures", "/dashboard/queues"):
        page = browser.load(path)
        assert page.status == 200, path
        assert not page.has_button("Pause everything")
    assert "Workers" not in page.links
    refused = browser.load("/dashboard/workers")
    assert refused.status == 403
    assert "You may not do this" in refused.text


def test_every_link_of_the_navigation_leads_to_a_page_that_its_reader_may_load(browser: Browser) -> None:
    register(browser)
    register(browser, "root", **{"X-Internal-Secret": OF_OPERATORS})
    shown = {name: navigation(browser, name) for name in (NAME, "root")}
    for name, paths in shown.items():
        log_in(browser, name=name)
        assert {browser.load(path).status for path in paths} == {200}
    for_administrators = {"people", "workers", "settings", "outbox"}
    assert shown["root"] - shown[NAME] == {f"/dashboard/{page}" for page in for_administrators}


def navigation(browser: Browser, name: str) -> set[str]:
    """Log in by this name; where the navigation leads."""
    log_in(browser, name=name)
    return {
        str(given["href"]) for tag, given in browser.load("/dashboard/").elements if tag == "a" and "data-key" in given
    }


def test_a_user_who_owns_no_app_sees_no_entry_of_the_audit_log(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "app_a")
    job_id = creating.create(LOCAL, system, new_job(schedules.DelayFromNow(600)))
    lifecycle.pause(LOCAL, system, job_id, reason="Lunch")
    register(browser)
    log_in(browser)
    page = browser.load("/dashboard/audit")
    assert "Nothing has been changed yet in an app that you own." in page.text
    assert "Lunch" not in page.text


def test_an_administrator_logs_in_and_sees_everything(browser: Browser) -> None:
    register(browser, "root", **{"X-Internal-Secret": OF_OPERATORS})
    log_in(browser, name="root")
    assert browser.load(browser.load("/dashboard/").links["Workers"]).status == 200
    assert browser.load("/dashboard/queues").has_button("Pause everything")


def test_a_forgotten_password_is_set_anew_by_the_link_that_was_sent(browser: Browser, system: GivenSystem) -> None:
    register(browser)
    asked = browser.submit(browser.load("/forgot/").form("Send a link"), email=f"{NAME}@example.com")
    assert asked.form("Set a new password").fields == {"token": "", "new_password": ""}
    assert password_resets.send(system) == 1
    [kept] = outbox.newest(LOCAL, system.settings, 1)
    link = next(word for word in outbox.one(LOCAL, system.settings, kept.id).text.split() if "/reset/" in word)
    form = browser.load(link.removeprefix(system.settings.address)).form("Set a new password")
    assert browser.submit(form, new_password="short").form("Set a new password").fields == form.fields  # noqa: S106
    assert browser.submit(form, new_password="another long password").has_button("Log in")  # noqa: S106
    assert browser.submit(form, new_password="another long password").status == 400  # noqa: S106
    page = browser.submit(browser.load("/login/").form("Log in"), username=NAME, password="another long password")  # noqa: S106
    assert page.has_button("Log out")


def test_an_invitation_is_taken_along_from_its_link(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS, registration="invite")
    browser = Browser(site(system))
    link, _ = invitations.create(LOCAL, system, None, administrator=False)
    filled = {"username": NAME, "email": f"{NAME}@example.com", "password": PASSWORD}
    refused = browser.submit(browser.load("/register/").form("Register"), **filled)
    assert (refused.status, "Ask an administrator" in refused.text) == (400, True)
    page = browser.submit(browser.load(link.removeprefix(system.settings.address)).form("Register"), **filled)
    assert page.has_button("Log in")
