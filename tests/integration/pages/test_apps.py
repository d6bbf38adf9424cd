"""Apps by forms: made, given members, keys and secrets, which are shown once, and deleted."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta

import pytest

from core.principals import LOCAL
from core.quotas import Quotas
from core.scopes import Role
from models.tables import App
from pages import words
from services.access import app_keys
from services.apps import apps, members, quotas
from services.secrets import named, signing
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.pages.browser import Browser, Form, Page
from tests.integration.pages.making import wrong_beside
from tests.integration.pages.people import OF_OPERATORS, log_in, register

NAME = "secret"  # the field of its name
KEY = "b" * 43 + "="


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(internal_secret=OF_OPERATORS, secret_keys=KEY)


@pytest.fixture
def page(browser: Browser) -> Page:
    """The page of an app that the user who is logged in has made."""
    register(browser)
    log_in(browser)
    form = browser.load("/dashboard/apps").form("Make the app")
    return browser.submit(form, name="shop", callback_base_url="https://shop.example.com")


def shown_once(page: Page) -> list[str]:
    return page.texts_of("pre")


def to(page: Page, action: str) -> Form:
    [found] = [form for form in page.forms if form.action == f"/dashboard/apps/shop/{action}"]
    return found


def test_a_user_makes_an_app_and_owns_it(page: Page, browser: Browser, system: GivenSystem) -> None:
    assert "The app is made." in page.text
    assert to(page, "change").fields["callback_base_url"] == "https://shop.example.com"
    assert [(one.username, one.role) for one in members.listed(LOCAL, "shop")] == [("ada", Role.OWNER)]
    assert "shop" in browser.load("/dashboard/apps").links
    assert browser.load("/dashboard/new").form("Make the job").fields["app_name"] == "shop"


def test_the_form_of_quotas_has_each_of_them_for_what_it_leaves_out_it_would_lift() -> None:
    assert words.QUOTAS.keys() == Quotas.__dataclass_fields__.keys()


def test_quotas_are_shown_and_put_by_administrators_alone(page: Page, browser: Browser, system: GivenSystem) -> None:
    assert set(words.QUOTAS) == {one.name for one in fields(Quotas)}, "or the form would take back what it leaves out"
    assert "Jobs no limit" in page.text
    assert "Change them" not in page.text
    quotas.put(LOCAL, system, "shop", Quotas(jobs=7, shortest_interval_seconds=0.5))
    assert "Jobs 0 of 7" in browser.load("/dashboard/apps/shop").text
    form = Form("/dashboard/apps/shop/quotas", "post", dict(to(page, "change").fields))
    assert browser.send(form, jobs="9").status_code == 403
    assert quotas.get(LOCAL, "shop").quotas == Quotas(jobs=7, shortest_interval_seconds=0.5)


def test_what_is_wrong_with_a_new_app_stands_beside_its_field(page: Page, browser: Browser) -> None:
    refused = browser.submit(
        browser.load("/dashboard/apps").form("Make the app"), name="shop", callback_base_url="ftp:"
    )
    assert refused.status == 400
    assert refused.form("Make the app").fields["name"] == "shop"
    assert "error-callback_base_url" in {given.get("id") for _, given in refused.elements}
    taken = browser.submit(refused.form("Make the app"), callback_base_url="")
    assert "which is the name of an app already" in taken.text


def test_the_address_is_changed_and_one_that_is_none_is_refused_in_place(
    page: Page, browser: Browser, system: GivenSystem
) -> None:
    changed = browser.submit(to(page, "change"), callback_base_url="https://new.example.com")
    assert "Changed." in changed.text
    refused = browser.submit(to(changed, "change"), callback_base_url="nowhere")
    assert refused.status == 400
    assert "The callback address must" in refused.text
    assert to(refused, "change").fields["callback_base_url"] == "nowhere", "what was typed stays"
    assert apps.get(LOCAL, "shop").callback_base_url == "https://new.example.com"


def test_a_key_is_shown_once_however_often_its_form_is_sent(page: Page, browser: Browser, system: GivenSystem) -> None:
    form = to(page, "keys")
    [key] = shown_once(browser.submit(form, name="ci"))
    assert key.startswith("crl_")
    assert shown_once(browser.submit(form, name="ci")) == []
    [view] = app_keys.listed(LOCAL, "shop")
    assert view.scopes == ("read", "operate", "jobs")
    assert key not in browser.load("/dashboard/apps/shop").html
    assert browser.request("GET", "/api/jobs", Authorization=f"Bearer {key}").status_code == 200
    gone = browser.submit(to(browser.load("/dashboard/apps/shop"), "keys/revoke"))
    assert "The key is revoked" in gone.text
    assert app_keys.listed(LOCAL, "shop") == []


def test_a_key_that_may_do_nothing_is_refused_in_place(page: Page, browser: Browser, system: GivenSystem) -> None:
    form = to(page, "keys")
    form.fields = {name: value for name, value in form.fields.items() if not name.startswith("scope.")}
    refused = browser.submit(form, name="ci")
    assert refused.status == 400
    assert "What it may" in refused.text
    assert app_keys.listed(LOCAL, "shop") == []


def test_a_key_ends_at_an_instant_on_the_readers_clocks_and_its_row_says_when(
    page: Page, browser: Browser, system: GivenSystem
) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    form = to(browser.load("/dashboard/apps/shop"), "keys")
    browser.submit(form, name="ci", expires_at="2026-11-20T15:30")
    assert [one.expires_at for one in app_keys.listed(LOCAL, "shop")] == [NOON + timedelta(hours=2, minutes=30)]
    assert "not used yet in 2 h 30 min" in browser.load("/dashboard/apps/shop").text
    system.clock.advance(3 * 3600)
    log_in(browser)
    assert "not used yet expired 30 min ago" in browser.load("/dashboard/apps/shop").text


def test_a_key_without_an_end_says_so(page: Page, browser: Browser, system: GivenSystem) -> None:
    browser.submit(to(page, "keys"), name="ci")
    assert [one.expires_at for one in app_keys.listed(LOCAL, "shop")] == [None]
    assert "not used yet no end" in browser.load("/dashboard/apps/shop").text


@pytest.mark.parametrize(("until", "fault"), [("2020-01-01T00:00", "which has passed"), ("soon", "Until")])
def test_an_end_that_no_key_can_have_is_refused_beside_its_field(
    page: Page, browser: Browser, system: GivenSystem, until: str, fault: str
) -> None:
    refused = browser.submit(to(page, "keys"), name="ci", expires_at=until)
    assert (refused.status, wrong_beside(refused)) == (400, {"expires_at"})
    assert fault in refused.text
    assert to(refused, "keys").fields["expires_at"] == until, "what was typed stays"
    assert app_keys.listed(LOCAL, "shop") == []


def test_a_signing_secret_is_rotated_with_overlap(page: Page, browser: Browser, system: GivenSystem) -> None:
    [secret] = shown_once(browser.submit(page.form("Rotate")))
    assert secret.startswith("whsec_")
    assert len(signing.of_app(LOCAL, "shop")) == 2
    former = [form for form in browser.load("/dashboard/apps/shop").forms if form.action.endswith("signing/delete")][-1]
    assert "Deleted." in browser.submit(former).text
    assert len(signing.of_app(LOCAL, "shop")) == 1


def test_a_secret_is_stored_and_never_shown(page: Page, browser: Browser, system: GivenSystem) -> None:
    stored = browser.submit(to(page, "secrets"), **{NAME: "STRIPE", "value": "sk_live_1"})
    assert "The secret is stored." in stored.text
    assert "STRIPE" in stored.text
    assert "sk_live_1" not in stored.html
    assert "Deleted." in browser.submit(to(stored, "secrets/delete")).text
    assert named.of_app(LOCAL, "shop") == []
    refused = browser.submit(to(page, "secrets"), **{NAME: "no name", "value": "sk_live_2"})
    assert refused.status == 400
    assert "sk_live_2" not in refused.html


def test_a_member_gets_a_role_and_sees_what_it_grants(page: Page, browser: Browser) -> None:
    unknown = browser.submit(to(page, "members"), username="bob", role="viewer")
    assert "who is no user here" in unknown.text
    register(Browser(browser.app), "bob")
    given = browser.submit(to(page, "members"), username="bob", role="viewer")
    assert "The role is given." in given.text
    last = browser.submit(to(page, "members"), username="ada", role="viewer")
    assert last.status == 409
    assert "is the last owner" in last.text
    bob = Browser(browser.app)
    log_in(bob, name="bob")
    seen = bob.load("/dashboard/apps/shop")
    assert "https://shop.example.com" in seen.text
    assert {form.action for form in seen.forms if form.method == "post"} <= {
        "/dashboard/apps/shop/pause",
        "/dashboard/settings",
        "/logout/",
    }
    token = seen.form("Save").fields["form_token"]
    assert bob.submit(Form("/dashboard/apps/shop/signing", "post", {"form_token": token})).status == 403


def test_an_app_of_others_is_not_there(page: Page, browser: Browser) -> None:
    register(Browser(browser.app), "bob")
    bob = Browser(browser.app)
    log_in(bob, name="bob")
    assert bob.load("/dashboard/apps/shop").status == 404
    assert "You are in no app yet." in bob.load("/dashboard/apps").text


def test_an_app_without_jobs_is_deleted(page: Page, browser: Browser, system: GivenSystem) -> None:
    done = browser.submit(page.form("Delete"), reason="Sold")
    assert "Deleted." in done.text
    assert browser.load("/dashboard/apps/shop").status == 404


def test_a_form_that_is_sent_again_with_something_else_is_refused(browser: Browser, page: Page) -> None:
    form = browser.load("/dashboard/apps").form("Make the app")
    browser.submit(form, name="first")
    refused = browser.submit(form, name="second")
    assert refused.status == 422
    assert "Idempotency-Key" in refused.text


def test_a_secret_is_kept_to_the_letter(page: Page, browser: Browser, system: GivenSystem) -> None:
    browser.submit(to(page, "secrets"), **{NAME: "PASSWORD", "value": " two words "})
    app_id = App.get(App.name == "shop").id
    assert named.opened(system, app_id, {"PASSWORD"}) == {"PASSWORD": " two words "}
