"""The task types of an app on its page: how each is retried and limited, and what it sends; added, changed, removed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.principals import LOCAL
from core.scopes import Role
from models import database
from models.tables import AppTaskType
from services.apps import apps, members
from services.apps.app_views import AppDefinition, TaskTypePolicy
from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser, Form, Page
from tests.integration.pages.conftest import site
from tests.integration.pages.making import wrong_beside
from tests.integration.pages.people import OF_OPERATORS, log_in, register

PATH = "/dashboard/apps/shop"
URL = "https://shop.example.com"
REQUEST = {"method": "POST", "url": "https://hooks.example.com/a", "headers": {"Authorization": "Bearer hidden"}}
SEND = TaskTypePolicy(3, 0.12345678, {**REQUEST, "body": {"at": None, "n": 1.0}}, "{{data.customer}}")
PRINT = TaskTypePolicy(max_retries=7)


@pytest.fixture(autouse=True)
def app(system: GivenSystem) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition(URL, {"send": SEND, "print": PRINT}, destination_breaker=True))


def to(page: Page, action: str, task_type: str | None = None) -> Form:
    forms = [form for form in page.forms if form.action == f"{PATH}/task-types{action}"]
    [found] = [form for form in forms if form.fields.get("changed_type") == task_type]
    return found


def stored() -> dict[str, Any]:
    """The task types as they are stored, nothing masked."""
    with database.reading():
        rows = AppTaskType.select()
        return {
            row.name: TaskTypePolicy(row.max_retries, row.retry_backoff_base, row.request, row.limit_key)
            for row in rows
        }


def test_a_task_type_is_shown_with_all_that_it_has(browser: Browser) -> None:
    page = browser.load(PATH)
    assert "3 retries, first after 123 ms; limited by {{data.customer}}; sends its own request" in page.text
    shown = to(page, "", "send").fields
    assert {name: shown[name] for name in ("max_retries", "retry_backoff_base", "limit_key")} == {
        "max_retries": "3",
        "retry_backoff_base": "0.12345678",
        "limit_key": "{{data.customer}}",
    }
    assert json.loads(shown["request"])["headers"] == {"Authorization": "***"}


def test_what_is_changed_of_one_leaves_the_rest_of_it_and_of_the_app_to_the_letter(browser: Browser) -> None:
    before = apps.get(LOCAL, "shop")
    done = browser.submit(to(browser.load(PATH), "", "send"), max_retries="5")
    assert "Changed." in done.text
    assert stored() == {"send": TaskTypePolicy(5, 0.12345678, SEND.request, "{{data.customer}}"), "print": PRINT}
    after = apps.get(LOCAL, "shop")
    kept = [(one.callback_base_url, one.destination_breaker) for one in (before, after)]
    assert kept == [(URL, True)] * 2


def test_what_is_emptied_is_taken_away(browser: Browser) -> None:
    browser.submit(
        to(browser.load(PATH), "", "send"), max_retries="", retry_backoff_base="2.5", limit_key="", request=""
    )
    assert stored()["send"] == TaskTypePolicy(retry_backoff_base=2.5)


def test_a_request_is_replaced_as_a_whole_with_what_is_stored_behind_its_masks(browser: Browser) -> None:
    shown = {**REQUEST, "headers": {"Authorization": "***"}, "body": {"m": None}}
    browser.submit(to(browser.load(PATH), "", "send"), request=json.dumps(shown))
    assert stored()["send"].request == {**REQUEST, "body": {"m": None}}


def test_a_task_type_is_added_and_removed(browser: Browser) -> None:
    done = browser.submit(to(browser.load(PATH), "/add"), new_type="fold", max_retries="0", retry_backoff_base="30")
    assert "Changed." in done.text
    assert "0 retries, first after 30 s" in done.text
    assert stored()["fold"] == TaskTypePolicy(0, 30.0)
    browser.submit(to(done, "/remove", "send"))
    assert stored() == {"print": PRINT, "fold": TaskTypePolicy(0, 30.0)}


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"max_retries": "many"}, "Retries must be"),
        ({"max_retries": "101"}, "Retries must be"),
        ({"retry_backoff_base": "0"}, "Seconds before the first retry must be"),
        ({"limit_key": "{{data.customer"}, "Limit key"),
        ({"request": "{"}, "Request cannot be read as JSON"),
        ({"request": "[]"}, "Request must be a JSON object"),
        ({"request": '{"url": 1, "url": 2}'}, "Request url"),
        ({"request": '{"method": "POST", "url": "nowhere"}'}, "Request url must"),
        ({"request": '{"method": "POST", "url": "https://x.example.com", "odd": 1}'}, "Request odd"),
    ],
)
@pytest.mark.parametrize("action", ["", "/add"])
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    browser: Browser, action: str, typed: dict[str, str], fault: str
) -> None:
    name = {"new_type": "fold"} if action else {}
    refused = browser.submit(to(browser.load(PATH), action, None if action else "send"), **name, **typed)
    assert (refused.status, wrong_beside(refused)) == (400, set(typed))
    assert fault in refused.text
    again = to(refused, action, None if action else "send").fields
    assert {**name, **typed}.items() <= {one: value.strip() for one, value in again.items()}.items()
    assert to(refused, "", "print").fields["max_retries"] == "7", "the other folds show what there is"
    assert stored() == {"send": SEND, "print": PRINT}


@pytest.mark.parametrize(("name", "fault"), [("send", "which the app has already"), ("a b", "Name"), ("", "Name")])
def test_a_name_that_no_new_task_type_can_have_is_refused_beside_it(browser: Browser, name: str, fault: str) -> None:
    refused = browser.submit(to(browser.load(PATH), "/add"), new_type=name, max_retries="1")
    assert (refused.status, wrong_beside(refused)) == (400, {"new_type"})
    assert fault in refused.text
    assert stored() == {"send": SEND, "print": PRINT}


def test_a_request_for_a_type_of_carillons_own_is_refused(browser: Browser) -> None:
    refused = browser.submit(to(browser.load(PATH), "/add"), new_type="send_email", request=json.dumps(REQUEST))
    assert refused.status == 400
    assert "that is a type of Carillon's own" in refused.text


@pytest.mark.parametrize(("action", "task_type"), [("", "send"), ("/add", None), ("/remove", "send")])
def test_what_another_changed_since_the_page_was_loaded_is_not_taken_back(
    browser: Browser, system: GivenSystem, action: str, task_type: str | None
) -> None:
    form = to(browser.load(PATH), action, task_type)
    apps.amend(LOCAL, system, "shop", lambda view: AppDefinition(URL, {**view.task_types, "fold": PRINT}))
    name = {} if task_type else {"new_type": "cut"}
    refused = browser.submit(form, **name, max_retries="9")
    assert refused.status == 412
    assert stored() == {"send": SEND, "print": PRINT, "fold": PRINT}


def test_members_see_task_types_and_only_owners_change_them(sqlite: str) -> None:
    system = given_system(internal_secret=OF_OPERATORS)
    browser = Browser(site(system))
    register(browser)
    members.put(LOCAL, system, "shop", "ada", Role.DEVELOPER)
    log_in(browser)
    seen = browser.load(PATH)
    assert "sends its own request" in seen.text
    assert "https://hooks.example.com/a" in seen.text
    assert "Bearer hidden" not in seen.html
    assert not [form for form in seen.forms if "/task-types" in form.action]
    token = seen.form("Save").fields["form_token"]
    for action in ("", "/add", "/remove"):
        form = Form(f"{PATH}/task-types{action}", "post", {"form_token": token, "changed_type": "send"})
        assert browser.send(form, new_type="cut").status_code == 403
    assert stored() == {"send": SEND, "print": PRINT}
