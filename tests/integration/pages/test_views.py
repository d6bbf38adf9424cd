"""Saved views of lists: saved from a filtered list, found above it, one's own alone, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from core.principals import LOCAL
from services.access import saved_views
from services.access.saved_views import ViewedList
from services.jobs import creating
from tests.factories import GivenSystem, given_system, new_job
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register


def test_a_filter_is_saved_opened_replaced_and_deleted(browser: Browser, system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(name="one", tags=("a",)))
    creating.create(LOCAL, system, new_job(name="two"))
    assert not browser.load("/dashboard/jobs").has_button("Save the view")
    page = browser.submit(browser.load("/dashboard/jobs?tag=a").form("Save the view"), view_name="Of <a>")
    assert "The view is saved" in page.text
    opened = browser.load(browser.load("/dashboard/jobs").links["Of <a>"])
    assert "one" in opened.links
    assert "two" not in opened.links
    browser.submit(browser.load("/dashboard/jobs?tag=b").form("Save the view"), view_name="Of <a>")
    page = browser.load("/dashboard/jobs")
    assert page.links["Of <a>"] == "/dashboard/jobs?tag=b"
    assert "Of <a>" not in browser.load("/dashboard/runs").links
    assert "Of <a>" not in browser.submit(page.form("Forget")).links


def test_views_are_their_owners_alone(sqlite: str) -> None:
    app = site(given_system(internal_secret=OF_OPERATORS))
    ada, bob = Browser(app), Browser(app)
    for one, name in ((ada, "ada"), (bob, "bob")):
        register(one, name)
        log_in(one, name=name)
    page = ada.submit(ada.load("/dashboard/runs?status=failed").form("Save the view"), view_name="Failed")
    assert "Failed" in page.links
    assert "Failed" not in bob.load("/dashboard/runs").links
    taken = bob.load("/dashboard/runs?status=failed").form("Save the view")
    theirs = page.form("Forget").fields["id"]
    stolen = bob.send(type(taken)("/dashboard/views/delete", "post", {**taken.fields, "id": theirs}))
    assert stolen.status_code == 404
    assert "Failed" in ada.load("/dashboard/runs").links


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"list": "apps", "name": "a", "query": {"tag": "a"}}, "list"),
        ({"list": "jobs", "name": "", "query": {"tag": "a"}}, "name"),
        ({"list": "jobs", "name": "x" * 61, "query": {"tag": "a"}}, "name"),
        ({"list": "jobs", "name": "a", "query": {}}, "query"),
        ({"list": "jobs", "name": "a", "query": {"status": "odd"}}, "status"),
        ({"list": "runs", "name": "a", "query": {"tag": "a"}}, "tag"),
        ({"list": "jobs", "name": "a", "query": {"cursor": "a"}}, "query.cursor"),
    ],
)
def test_what_is_no_view_is_refused_by_its_field(system: GivenSystem, body: dict[str, Any], field: str) -> None:
    client = Client(served(system))
    assert set(refusal(client.simulate_post("/api/views", json=body))) == {field}
    assert client.simulate_delete(f"/api/views/{NO_JOB}").status_code == 404


def test_views_are_listed_and_bounded(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MAX_VIEWS", 1)
    client = Client(served(system))
    body = {"list": "jobs", "name": "a", "query": {"tag": "a"}}
    made = client.simulate_post("/api/views", json=body)
    assert made.status_code == 201
    assert client.simulate_post("/api/views", json=body).status_code == 201, "the same again is the same"
    assert client.simulate_post("/api/views", json={**body, "name": "b"}).status_code == 409
    assert [one["id"] for one in client.simulate_get("/api/views").json["results"]] == [made.json["id"]]
    assert client.simulate_get("/api/views", params={"list": "runs"}).json["results"] == []
    assert [one.name for one in saved_views.listed(LOCAL, ViewedList.JOBS)] == ["a"]
    assert client.simulate_delete(f"/api/views/{made.json['id']}").status_code == 204
