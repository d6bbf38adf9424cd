"""The audit log leads from each entry to its thing and to who made it, and each thing's page leads to its entries."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from core.limits import Limit
from core.principals import LOCAL
from core.scopes import Role
from models import database
from models.tables import SigningSecret, Worker
from services.access import invitations, people
from services.access.people import Change
from services.apps import apps, members
from services.apps.app_views import AppDefinition
from services.execution import breakers, draining, limit_changes, workers
from services.jobs import creating, lifecycle, run_actions
from services.scheduling import pauses
from services.secrets import named
from tests.factories import GivenSystem, first_run, given_system, new_job
from tests.integration.access.tenants import SETTINGS
from tests.integration.api.people import SECRET
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.people import log_in, register
from tests.integration.pages.states import opened

APP = "app_a"
OF_APP = f"/dashboard/apps/{APP}"
PEOPLE = "/dashboard/people"
KEY = f"account:{APP}/acc1"
NAME = "TOKEN"  # of a secret


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(**{**SETTINGS, "admin_usernames": "ada"})


@pytest.fixture
def ada(browser: Browser) -> Browser:
    """The browser of an administrator."""
    register(browser, "ada", **{"X-Internal-Secret": SECRET})
    log_in(browser, name="ada")
    return browser


def member(browser: Browser, system: GivenSystem, name: str, role: Role) -> Browser:
    """The browser of a new user, who has this role in the app."""
    own = Browser(browser.app)
    register(own, name)
    members.put(LOCAL, system, APP, name, role)
    log_in(own, name=name)
    return own


@pytest.fixture
def bob(ada: Browser, system: GivenSystem) -> Browser:
    """The browser of an owner of the app."""
    apps.create(LOCAL, system, APP, AppDefinition("https://a.example.com"))
    return member(ada, system, "bob", Role.OWNER)


def hrefs(page: Page) -> list[str]:
    return [str(given["href"]) for tag, given in page.elements if tag == "a"]


def in_table(page: Page) -> set[str]:
    """Where the entries that a page of the audit log lists lead."""
    shown = page.html.partition("<tbody>")[2].partition("</tbody>")[0]
    return {one for one in hrefs(page) if f'href="{one.replace("&", "&amp;")}"' in shown}


def key_of(owner: Browser) -> str:
    """A key of the app that may do everything."""
    form = next(form for form in owner.load(OF_APP).forms if form.action == f"{OF_APP}/keys")
    [key] = owner.submit(form, **{"name": "ci", "scope.app": "yes"}).texts_of("pre")
    return key


def of_each_kind(system: GivenSystem, owner: Browser) -> list[str]:
    """Change a thing of each kind of the app. Returns where the log is to lead."""
    job_id = creating.create(LOCAL, system, new_job())
    lifecycle.pause(LOCAL, system, job_id)
    run = first_run(system)
    run_actions.cancel(LOCAL, system, run.id)
    limit_changes.put(LOCAL, system, KEY, Limit(3))
    named.put(LOCAL, system, APP, NAME, "hidden")
    owner.submit(owner.load(OF_APP).form("Rotate"))
    breakers.close(LOCAL, system, opened(system))
    key_of(owner)
    key = f"?key={KEY.replace(':', '%3A').replace('/', '%2F')}"
    of_breaker = f"/dashboard/queues/breaker?key=destination%3A{APP}%2Fapp.example.com"
    parts = [f"{OF_APP}#{one}" for one in ("keys", "members", "secrets", "signing")]
    of_one = [f"/dashboard/jobs/{job_id}", f"/dashboard/runs/{run.id}", f"/dashboard/limits/of{key}", of_breaker]
    return [OF_APP, *parts, *of_one]


def of_the_installation(system: GivenSystem, administrator: Browser) -> list[str]:
    """Change a thing of each kind that is of no app. Returns where the log is to lead administrators."""
    workers.register(system)
    with database.reading():
        worker_id = Worker.get().id
    draining.drain(LOCAL, system, worker_id)
    pauses.pause_everything(LOCAL, system)
    invitations.create(LOCAL, system, None, administrator=False)
    people.change(LOCAL, system, "bob", Change(administrator=True))
    administrator.submit(administrator.load("/dashboard/mine").form("Make a token"), name="report")
    return [f"/dashboard/workers#worker-{worker_id}", "/dashboard/queues", f"{PEOPLE}#invitations", "/dashboard/mine"]


def expect_to_lead_somewhere(browser: Browser, paths: set[str]) -> None:
    """Each path answers, and has the part that it names."""
    for path in sorted(paths):
        where = urlsplit(path)
        page = browser.load(f"{where.path}?{where.query}")
        assert page.status == 200, path
        ids = {given.get("id") for _, given in page.elements}
        assert not where.fragment or where.fragment in ids, path


def test_each_entry_leads_an_administrator_to_its_thing_and_to_who_made_it(
    ada: Browser, bob: Browser, system: GivenSystem
) -> None:
    wanted = {*of_each_kind(system, bob), *of_the_installation(system, ada), f"{PEOPLE}?search=bob"}
    found = in_table(ada.load("/dashboard/audit"))
    assert wanted - found == set()
    expect_to_lead_somewhere(ada, found)


def test_an_owner_is_led_only_to_what_they_may_see(ada: Browser, bob: Browser, system: GivenSystem) -> None:
    wanted = set(of_each_kind(system, bob))
    ada.request("POST", f"/api/apps/{APP}/pause", **{"X-Internal-Secret": SECRET})
    found = in_table(bob.load("/dashboard/audit"))
    assert wanted - found == set()
    assert not [one for one in found if one.startswith(PEOPLE)], "that page is for administrators"
    expect_to_lead_somewhere(bob, found)


def test_the_token_of_somebody_else_leads_nowhere(ada: Browser, bob: Browser) -> None:
    bob.submit(bob.load("/dashboard/mine").form("Make a token"), name="report")
    page = ada.load("/dashboard/audit?thing=token")
    assert "token.created" in page.text
    assert in_table(page) == {f"{PEOPLE}?search=bob"}


def test_what_a_key_did_leads_to_the_keys_of_its_app(bob: Browser) -> None:
    key = key_of(bob)
    paused = Browser(bob.app).request("POST", f"/api/apps/{APP}/pause", Authorization=f"Bearer {key}")
    assert paused.status_code == 200
    prefix = "_".join(key.split("_")[:2])
    page = bob.load(f"/dashboard/audit?principal={prefix}")
    assert "app.paused" in page.text
    assert f"{OF_APP}#keys" in in_table(page)


def test_of_an_app_that_is_gone_no_part_is_linked(ada: Browser, bob: Browser, system: GivenSystem) -> None:
    named.put(LOCAL, system, APP, NAME, "hidden")
    apps.delete(LOCAL, system, APP)
    page = ada.load("/dashboard/audit?thing=secret")
    assert "secret.created" in page.text
    assert in_table(page) == set()


@pytest.mark.parametrize(
    ("path", "action"),
    [
        (f"/dashboard/limits/of?key={KEY}", "limit.created"),
        ("/dashboard/workers", "worker.drained"),
        (PEOPLE, "user.changed"),
        (PEOPLE, "key.created"),
        (OF_APP, "app.created"),
        (OF_APP, "key.created"),
        (OF_APP, "member.added"),
        (OF_APP, "secret.created"),
        (OF_APP, "signing_secret.created"),
        (f"/dashboard/queues/breaker?key=destination:{APP}/app.example.com", "breaker.closed"),
        ("/dashboard/queues", "installation.paused"),
    ],
)
def test_the_page_of_a_thing_leads_to_its_entries(
    ada: Browser, bob: Browser, system: GivenSystem, path: str, action: str
) -> None:
    of_each_kind(system, bob)
    of_the_installation(system, ada)
    shown = ada.load(path)
    logs = [ada.load(one) for one in hrefs(shown) if one.startswith("/dashboard/audit?")]
    assert [one for one in logs if action in one.text]


def test_the_page_of_a_run_leads_to_its_entries(ada: Browser, bob: Browser, system: GivenSystem) -> None:
    run = first_run(system)
    run_actions.cancel(LOCAL, system, run.id, reason="Lunch")
    log = bob.load(bob.load(f"/dashboard/runs/{run.id}").links["its audit log"])
    assert "run.cancelled" in log.text
    assert "Lunch" in log.text


def test_who_does_not_own_an_app_is_offered_none_of_its_entries(
    ada: Browser, bob: Browser, system: GivenSystem
) -> None:
    paths = [one.partition("#")[0] for one in of_each_kind(system, bob)]
    carl = member(ada, system, "carl", Role.DEVELOPER)
    for path in paths:
        shown = carl.load(path)
        assert shown.status == 200
        assert not [one for one in hrefs(shown) if one.startswith("/dashboard/audit?")], path


def test_signing_secrets_have_entries_by_their_id(bob: Browser, system: GivenSystem) -> None:
    bob.submit(bob.load(OF_APP).form("Rotate"))
    with database.reading():
        ids = {str(one.id) for one in SigningSecret.select()}
    log = bob.load(f"/dashboard/audit?app_name={APP}&thing=signing_secret")
    assert [one for one in ids if one in log.text]
