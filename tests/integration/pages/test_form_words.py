"""The form of a new job speaks in its own words: of fields of which one is to be given, and of the app."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from services.apps import apps
from tests.factories import GivenSystem
from tests.integration.pages.browser import Browser
from tests.integration.pages.making import MAKE, jobs, wrong_beside

PREVIEW = "preview"
NEW_APP = "There is no app shopp yet: this job will make it."


@pytest.mark.parametrize("do", ["create", PREVIEW])
def test_an_interval_without_either_field_is_refused_beside_them(browser: Browser, do: str) -> None:
    form = browser.load("/dashboard/new").form(MAKE)
    page = browser.submit(form, task_type="x", do=do, **{"schedule.type": "interval"})
    assert "Needs exactly one of Every seconds and Frequency." in page.text
    assert "every_seconds and" not in page.text
    if do == "create":
        assert wrong_beside(page) == {"schedule.interval.every_seconds"}


def test_an_e_mail_without_a_recipient_is_refused_beside_the_first_of_the_three(browser: Browser) -> None:
    page = browser.load("/dashboard/new?kind=send_email")
    assert page.text.count("give one of Recipient, Recipients and Emails") == 3
    wrong = browser.submit(page.form(MAKE), **{"data.subject": "Hello", "data.body": "Hello"})
    assert wrong_beside(wrong) == {"data.recipient"}
    assert "Needs exactly one of Recipient, Recipients and Emails, not none." in wrong.text


def test_apps_that_are_there_are_offered(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "shop")
    page = browser.load("/dashboard/new")
    [field] = [given for tag, given in page.elements if tag == "input" and given.get("name") == "app_name"]
    assert field["list"] == "offered-app_name"
    assert ("option", {"value": "shop"}) in page.elements


def test_an_app_that_a_job_makes_is_told_before_and_after(browser: Browser, system: GivenSystem) -> None:
    apps.ensure(LOCAL, system, "shop")
    form = browser.load("/dashboard/new").form(MAKE)
    assert NEW_APP in browser.submit(form, task_type="x", app_name="shopp", do=PREVIEW).text
    assert NEW_APP in browser.submit(form, task_type="x", app_name="shopp", do="look").text
    assert "yet: this job" not in browser.submit(form, task_type="x", app_name="shop", do=PREVIEW).text
    made = browser.submit(form, task_type="x", app_name="shopp")
    assert "There was no app of this name: it is created, too." in made.text
    assert [job.app_name for job in jobs(system)] == ["shopp"]
