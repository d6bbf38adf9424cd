"""Forms that change what another has changed since their page was loaded: refused, with what was typed."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from core.limits import Limit
from core.principals import LOCAL
from core.quotas import Quotas
from services.apps import apps, quotas
from services.apps.app_views import AppDefinition, TaskTypePolicy
from services.execution import limit_changes
from services.reading import limits
from tests.factories import GivenSystem
from tests.integration.pages.browser import Browser, Form, Page

APP = "/dashboard/apps/shop"
MINE, THEIRS = "https://mine.example.com", "https://theirs.example.com"
KEY = "app:shop"
OF_KEY = f"/dashboard/limits/of?key={KEY}"


@pytest.fixture(autouse=True)
def app(system: GivenSystem) -> None:
    apps.create(LOCAL, system, "shop", AppDefinition())


def to(page: Page, action: str) -> Form:
    [found] = [form for form in page.forms if form.action == f"{APP}/{action}"]
    return found


def expect_late(refused: Page) -> None:
    assert refused.status == 412
    assert "Somebody has changed it since this page was loaded" in refused.text


def test_the_address_of_an_app(browser: Browser, system: GivenSystem) -> None:
    form = to(browser.load(APP), "change")
    apps.amend(LOCAL, system, "shop", lambda _: AppDefinition(THEIRS))
    refused = browser.submit(form, callback_base_url=MINE)
    expect_late(refused)
    assert to(refused, "change").fields["callback_base_url"] == MINE, "what was typed stays"
    expect_late(browser.submit(to(refused, "change")))
    assert apps.get(LOCAL, "shop").callback_base_url == THEIRS
    assert "Changed." in browser.submit(to(browser.load(APP), "change"), callback_base_url=MINE).text


def test_the_quotas_of_an_app(browser: Browser, system: GivenSystem) -> None:
    form = to(browser.load(APP), "quotas")
    quotas.put(LOCAL, system, "shop", Quotas(jobs=7))
    refused = browser.submit(form, jobs="9")
    expect_late(refused)
    assert to(refused, "quotas").fields["jobs"] == "9"
    assert quotas.get(LOCAL, "shop").quotas == Quotas(jobs=7)
    assert "Changed." in browser.submit(to(browser.load(APP), "quotas"), jobs="9").text


def test_a_limit(browser: Browser, system: GivenSystem) -> None:
    limit_changes.put(LOCAL, system, KEY, Limit(3))
    form = browser.load(OF_KEY).form("Limit")
    limit_changes.put(LOCAL, system, KEY, Limit(4))
    refused = browser.submit(form, concurrency="5")
    expect_late(refused)
    expect_late(browser.submit(refused.form("Limit")))
    assert limits.get(LOCAL, system, KEY).concurrency == 4
    assert "Limited." in browser.submit(browser.load(OF_KEY).form("Limit"), concurrency="5").text


def test_a_limit_that_another_deleted_is_not_put_again(browser: Browser, system: GivenSystem) -> None:
    limit_changes.put(LOCAL, system, KEY, Limit(3))
    form = browser.load(OF_KEY).form("Limit")
    limit_changes.delete(LOCAL, system, KEY)
    expect_late(browser.submit(form, concurrency="5"))


def test_the_deletion_of_a_limit_that_another_has_changed(browser: Browser, system: GivenSystem) -> None:
    limit_changes.put(LOCAL, system, KEY, Limit(3))
    form = browser.load(OF_KEY).form("Delete the limit")
    limit_changes.put(LOCAL, system, KEY, Limit(4))
    assert browser.submit(form).status == 412
    assert limits.get(LOCAL, system, KEY).concurrency == 4
    browser.submit(browser.load(OF_KEY).form("Delete the limit"))
    with pytest.raises(NotFound):
        limits.get(LOCAL, system, KEY)


def test_the_deletion_of_an_app_that_another_has_changed(browser: Browser, system: GivenSystem) -> None:
    form = to(browser.load(APP), "delete")
    apps.amend(LOCAL, system, "shop", lambda _: AppDefinition(THEIRS))
    refused = browser.submit(form, reason="Not used")
    expect_late(refused)
    assert apps.get(LOCAL, "shop").callback_base_url == THEIRS
    assert "Deleted." in browser.submit(to(refused, "delete")).text, "the refused page shows the app as it is"


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        ("delete", {"reason": "Not used"}),
        ("change", {"callback_base_url": MINE}),
        ("quotas", {"jobs": "9"}),
        ("task-types", {"changed_type": "send"}),
        ("task-types/add", {"new_type": "fold"}),
        ("task-types/remove", {"changed_type": "send"}),
    ],
)
def test_a_form_that_does_not_say_what_it_was_loaded_with_changes_nothing(
    browser: Browser, system: GivenSystem, action: str, typed: dict[str, str]
) -> None:
    apps.amend(LOCAL, system, "shop", lambda _: AppDefinition(task_types={"send": TaskTypePolicy(max_retries=1)}))
    before = apps.get(LOCAL, "shop"), quotas.get(LOCAL, "shop")
    expect_late(browser.submit(Form(f"{APP}/{action}", "post", typed)))
    assert (apps.get(LOCAL, "shop"), quotas.get(LOCAL, "shop")) == before


def test_what_another_did_that_changes_no_definition_is_in_nobodys_way(browser: Browser) -> None:
    page = browser.load(APP)
    browser.submit(to(page, "pause"))
    assert "Changed." in browser.submit(to(page, "change"), callback_base_url=MINE).text
