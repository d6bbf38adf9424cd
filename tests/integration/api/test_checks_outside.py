"""With a key or without, bodies are read and job data checked while no transaction is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.tables import AppTaskType, db
from services.email import templates
from services.task_types import filling, registry
from tests.factories import GivenSystem, given_system
from tests.integration.api.bodies import HTTP, REQUEST
from tests.integration.api.client import Client, refusal
from tests.integration.api.keyed import KEY
from tests.integration.api.people import token_of

LATER = {"type": "delay_from_now", "duration_seconds": 3_600}
OTHER = {**REQUEST, "method": "POST"}
CRON = {"name": "n", "cron_expression": "0 9 * * 1", "parameters": {"action": "http", **REQUEST}}
OTHER_CRON = {"parameters": {"action": "http", **OTHER}}

Watch = Callable[[Any, str], list[bool]]
Ask = Callable[[Client], Any]


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system(commands_allowed="echo")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Watches a function. Returns the list of its calls, each by whether a transaction was open."""

    def watched(module: Any, name: str) -> list[bool]:
        within: list[bool] = []
        function = getattr(module, name)

        def noting(*given: Any, **named: Any) -> Any:
            within.append(db.in_transaction())
            return function(*given, **named)

        monkeypatch.setattr(module, name, noting)
        return within

    return watched


def a_job(client: Client) -> str:
    return f"/api/jobs/{client.create(**HTTP | {'schedule': LATER}, data=REQUEST)}"


def an_edited_job(client: Client) -> str:
    path = a_job(client)
    assert client.simulate_patch(path, json={"data": OTHER}).status_code == 200
    return path


def a_cron_job(client: Client) -> str:
    made = client.simulate_post("/scheduler/jobs", json=CRON)
    assert made.status_code == 201, made.text
    return f"/scheduler/jobs/{made.json['id']}"


def a_cancelled_run(client: Client) -> str:
    job_id = client.create(**HTTP | {"schedule": {"type": "cron", "expression": "0 9 * * 1"}}, data=REQUEST)
    run = client.simulate_post(f"/api/jobs/{job_id}/trigger").json
    path = f"/api/runs/{run['id']}"
    assert client.simulate_post(f"{path}/cancel").status_code == 200
    return path


def trigger(client: Client) -> Ask:
    path = f"{a_job(client)}/trigger"
    return lambda client: client.simulate_post(path, json={"data": OTHER}, headers=KEY)


def replay(client: Client) -> Ask:
    path = f"{a_cancelled_run(client)}/replay"
    return lambda client: client.simulate_post(path, json={"data": OTHER}, headers=KEY)


def revert(client: Client) -> Ask:
    path = f"{an_edited_job(client)}/versions/1/revert"
    return lambda client: client.simulate_post(path, headers=KEY)


def patch(client: Client) -> Ask:
    path = a_job(client)
    return lambda client: client.simulate_patch(path, json={"data": OTHER})


def put(client: Client) -> Ask:
    path = a_job(client)
    whole = {**client.simulate_get(path).json, "data": OTHER}
    return lambda client: client.simulate_put(path, json=whole)


def patch_of_003(client: Client) -> Ask:
    path = a_cron_job(client)
    return lambda client: client.simulate_patch(path, json=OTHER_CRON)


def create_of_002(client: Client) -> Ask:
    headers = {**KEY, **token_of(client, "anna")}
    return lambda client: client.simulate_post("/api/tasks/", json={"command": "echo hi"}, headers=headers)


def create_of_003(_client: Client) -> Ask:
    return lambda client: client.simulate_post("/scheduler/jobs/", json=CRON, headers=KEY)


@pytest.mark.parametrize(
    "begun",
    [trigger, replay, revert, patch, put, patch_of_003, create_of_002, create_of_003],
    ids=lambda one: one.__name__,
)
def test_data_are_checked_once_and_in_no_transaction(
    client: Client, watch: Watch, begun: Callable[[Client], Ask]
) -> None:
    ask = begun(client)
    within = watch(registry, "validate")
    answer = ask(client)
    assert answer.status_code in (200, 201), answer.text
    assert within == [False]


APP = "/api/apps/app_a"
TYPES = {name: {"request": {**REQUEST, "body": {"text": f"{name} {{{{data.x}}}}"}}} for name in ("report", "summary")}


@pytest.fixture
def app(client: Client) -> dict[str, Any]:
    """An app with two task types, as it is shown."""
    made = client.simulate_put(APP, json={"task_types": TYPES})
    assert made.status_code == 201, made.text
    shown: dict[str, Any] = made.json
    return shown


@pytest.mark.parametrize("change", [{}, {"callback_base_url": "https://example.com"}, {"destination_breaker": True}])
def test_a_patch_of_an_app_checks_no_task_type_that_it_does_not_name(
    client: Client, app: dict[str, Any], watch: Watch, change: dict[str, Any]
) -> None:
    checked = watch(filling, "check")
    patched = client.simulate_patch(APP, json=change)
    assert patched.status_code == 200, patched.text
    assert patched.json == {**app, **change, "updated_at": patched.json["updated_at"]}
    assert checked == []


def test_a_patch_of_one_task_type_checks_that_one_before_the_transaction(
    client: Client, app: dict[str, Any], watch: Watch
) -> None:
    checked, parsed = watch(filling, "check"), watch(templates, "check")
    patched = client.simulate_patch(APP, json={"task_types": {"report": {"max_retries": 1}}})
    assert patched.status_code == 200, patched.text
    report = {**app["task_types"]["report"], "max_retries": 1}
    assert patched.json["task_types"] == {**app["task_types"], "report": report}
    assert checked == [False]
    assert parsed == [False]
    stored = {one.name: one.request["headers"] for one in AppTaskType.select()}
    assert stored == dict.fromkeys(TYPES, REQUEST["headers"]), "what is masked where it is shown stays as it was"


def test_a_patch_of_an_app_is_refused_naming_what_is_wrong_in_it(client: Client, app: dict[str, Any]) -> None:
    for wrong in ({"body": "{{ data.x + }}"}, {"url": "x"}):
        [member] = wrong
        answer = client.simulate_patch(APP, json={"task_types": {"report": {"request": wrong}}})
        assert set(refusal(answer)) == {f"task_types.report.request.{member}"}
    assert "must be a JSON object" in refusal(client.simulate_patch(APP, json={"task_types": "x"}))["task_types"]
    assert client.simulate_get(APP).json == app


def test_the_task_types_of_a_patch_count_together_with_those_that_it_leaves(
    client: Client, app: dict[str, Any]
) -> None:
    values = " ".join("{{data.x}}" for _ in range(filling.MAX_VALUES))
    wrong = {"task_types": {"report": {"request": {"body": {"text": values}}}}}
    assert "values to fill in together" in refusal(client.simulate_patch(APP, json=wrong))["task_types"]
    many = {"task_types": {f"t{number}": {"max_retries": 1} for number in range(999)}}
    assert "at most 1000 entries" in refusal(client.simulate_patch(APP, json=many))["task_types"]


def test_a_patch_takes_task_types_out_one_or_all(client: Client, app: dict[str, Any], watch: Watch) -> None:
    checked = watch(filling, "check")
    one = client.simulate_patch(APP, json={"task_types": {"report": None}})
    assert one.json["task_types"] == {"summary": app["task_types"]["summary"]}
    assert client.simulate_patch(APP, json={"task_types": None}).json["task_types"] == {}
    assert checked == []
