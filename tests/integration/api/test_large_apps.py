"""An app is no larger than a request may be, and a list of apps no larger than a page."""

from __future__ import annotations

from typing import Any

import pytest

from core.principals import LOCAL
from services.apps import apps as app_service
from services.apps.app_views import TaskTypePolicy
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, refusal, served

MOST = 4_000
APP = "/api/apps/app_a"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(max_body_bytes=MOST)


def types(size: int, *names: str) -> dict[str, Any]:
    return {"task_types": {name: {"request": {"url": "https://example.com", "body": "x" * size}} for name in names}}


def test_patches_of_an_app_do_not_pile_up_to_more_than_a_body_may_hold(client: Client) -> None:
    assert client.simulate_put(APP, json=types(3_000, "a")).status_code == 201
    more = client.simulate_patch(APP, json=types(3_000, "b"))
    assert "more than MAX_BODY_BYTES=4000" in refusal(more)["task_types"]
    larger = client.simulate_patch(APP, json=types(9_000, "a"))  # as the edit of what is shown may be
    assert "more than MAX_BODY_BYTES=4000" in refusal(larger)["task_types"]
    assert client.simulate_get(APP).json["task_types"].keys() == {"a"}


def test_what_an_earlier_setting_allowed_may_stay_and_shrink(sqlite: str) -> None:
    request = types(9_000, "a")["task_types"]["a"]["request"]
    app_service.put(LOCAL, given_system(), "app_a", None, {"a": TaskTypePolicy(request=request)})
    client = Client(served(given_system(max_body_bytes=MOST)))
    assert client.simulate_patch(APP, json={"callback_base_url": "https://example.com"}).status_code == 200
    assert client.simulate_patch(APP, json=types(8_000, "a")).status_code == 200
    assert client.simulate_patch(APP, json=types(8_500, "a")).status_code == 400


def test_a_list_of_apps_ends_early_where_they_are_large_and_the_rest_follows(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["app_c", "app_b", "app_a"]
    for name in reversed(names):
        client.simulate_put(f"/api/apps/{name}", json=types(3_000, "t"))
    monkeypatch.setattr(app_service, "MAX_BYTES_IN_PAGE", 7_000)
    first = client.simulate_get("/api/apps").json
    assert [one["name"] for one in first["results"]] == names[:2]
    rest = client.simulate_get(first["next"]).json
    assert rest["results"][0]["name"] == "app_a"
