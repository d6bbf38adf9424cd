"""Section 003: jobs by cron expression, whose `parameters.action` says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from services.runtime import faults
from tests.factories import GivenSystem, claim, given_system, record, stored_job, succeeded
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.api.scheduler_jobs import create, post

FIELDS = {
    "id",
    "name",
    "description",
    "cron_expression",
    "start_time",
    "parameters",
    "last_run",
    "next_run",
    "is_active",
    "created_at",
    "updated_at",
}


def test_description_parameters_and_start_may_be_left_out(client: Client) -> None:
    made = create(client)
    assert set(made) == FIELDS
    assert (made["description"], made["parameters"], made["start_time"], made["last_run"]) == ("", {}, None, None)
    assert (made["next_run"], made["is_active"]) == ("2026-11-23T09:00:00Z", True)


def test_monday_is_monday_and_a_past_start_is_not_caught_up(client: Client, system: GivenSystem) -> None:
    made = create(client, start_time="2025-06-23T09:00:00Z")
    assert made["next_run"] == "2026-11-23T09:00:00Z"
    assert claim(system) == []


def test_a_start_to_come_is_waited_for(client: Client) -> None:
    assert create(client, start_time="2027-01-05T00:00:00Z")["next_run"] == "2027-01-11T09:00:00Z"


@pytest.mark.parametrize(
    ("parameters", "task_type", "data"),
    [
        (
            {"action": "send_email", "recipient": "user@example.com"},
            "send_email",
            {"recipient": "user@example.com", "subject": "Report", "body": "All figures"},
        ),
        (
            {"action": "send_email", "recipient": "user@example.com", "subject": "S", "body": "B"},
            "send_email",
            {"recipient": "user@example.com", "subject": "S", "body": "B"},
        ),
        ({"action": "generate_report", "type": "monthly"}, "generate_report", None),
        ({"type": "monthly"}, "job", None),
    ],
)
def test_an_action_is_a_type_of_task_or_a_callback_of_that_name(
    client: Client, parameters: dict[str, Any], task_type: str, data: dict[str, Any] | None
) -> None:
    made = create(client, description="All figures", parameters=parameters)
    assert made["parameters"] == parameters
    stored = stored_job(made["id"])
    assert (stored.task_type, stored.data) == (task_type, data or parameters)


def test_a_name_means_one_job(client: Client) -> None:
    create(client)
    assert "another job" in refusal(post(client))["name"]
    result = post(client)
    assert "another job" in result.json["name"][0]
    assert result.json["error"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cron_expression": "0 9 * * 8"}, "cron_expression"),
        ({"cron_expression": "0 0 31 2 *"}, "cron_expression"),
        ({"cron_expression": None}, "cron_expression"),
        ({"name": ""}, "name"),
        ({"parameters": {"action": "a/b"}}, "parameters"),
        ({"parameters": {"action": 5}}, "parameters"),
        ({"parameters": {"action": "send_email"}}, "parameters"),
        ({"start_time": "soon"}, "start_time"),
        ({"colour": "red"}, "colour"),
        ({"is_active": "yes"}, "is_active"),
    ],
)
def test_a_wrong_member_is_named_as_the_caller_wrote_it(client: Client, body: dict[str, Any], field: str) -> None:
    result = post(client, **body)
    assert result.status_code == 400
    assert [name.partition(".")[0] for name in refusal(result)] == [field]
    assert result.json["error"]


def test_an_inactive_job_is_paused_until_it_is_made_active(client: Client) -> None:
    made = create(client, is_active=False)
    path = f"/scheduler/jobs/{made['id']}/"
    assert client.simulate_get(f"/api/jobs/{made['id']}").json["status"] == "paused"
    assert client.simulate_get(path).json["is_active"] is False
    assert client.simulate_patch(path, json={"is_active": True}).json["is_active"] is True
    assert client.simulate_get(f"/api/jobs/{made['id']}").json["status"] == "pending"
    assert client.simulate_patch(path, json={"is_active": False}).json["is_active"] is False


def test_an_inactive_job_is_never_active_not_even_if_the_server_dies(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(_point: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(faults, "reach", die)
    assert post(client, is_active=False).status_code == 500
    assert [one["is_active"] for one in client.simulate_get("/scheduler/jobs/").json] == [False]


def test_an_edit_and_a_pause_are_made_together_or_not_at_all(client: Client) -> None:
    create(client)
    made = create(client, name="Other")
    path = f"/scheduler/jobs/{made['id']}/"
    assert client.simulate_patch(path, json={"name": "Report", "is_active": False}).status_code == 400
    assert client.simulate_get(path).json == made
    changed = client.simulate_patch(path, json={"name": "Another", "is_active": False}).json
    assert (changed["name"], changed["is_active"]) == ("Another", False)
    whole = {name: made[name] for name in ("name", "cron_expression")}
    assert client.simulate_put(path, json=whole).json["is_active"] is True


@pytest.mark.parametrize("change", [{"is_active": False}, {"description": "d"}, {"cron_expression": "0 10 * * *"}])
def test_what_003_has_no_word_for_stays(client: Client, change: dict[str, Any]) -> None:
    made = create(client)
    ours = f"/api/jobs/{made['id']}"
    others = {"max_retries": 9, "account_id": "acc9", "metadata": {"colour": "red"}}
    client.simulate_patch(ours, json={**others, "schedule": {"timezone": "Europe/Berlin"}})
    changed = client.simulate_patch(f"/scheduler/jobs/{made['id']}", json=change)
    assert {name: changed.json[name] for name in change} == change
    job = client.simulate_get(ours).json
    assert (job["max_retries"], job["account_id"], job["metadata"]["colour"]) == (9, "acc9", "red")
    assert job["schedule"]["timezone"] == "Europe/Berlin"


def test_a_job_of_its_app_that_is_not_of_cron_is_none_of_its_own(client: Client) -> None:
    kept, changed = create(client, name="Kept"), create(client)
    other = client.create(app_name="scheduler")
    client.simulate_patch(f"/api/jobs/{changed['id']}", json={"schedule": {"type": "interval", "every_seconds": 60}})
    assert client.simulate_get("/scheduler/jobs/").json == [kept]
    for job_id in (changed["id"], other):
        path = f"/scheduler/jobs/{job_id}"
        for result in (client.simulate_get(path), client.simulate_put(path, json=kept), client.simulate_delete(path)):
            assert (result.status_code, result.json["error"]) == (404, "Job not found")


def test_what_was_got_can_be_put_with_changes(client: Client) -> None:
    made = create(client, parameters={"action": "generate_report"}, description="d")
    path = f"/scheduler/jobs/{made['id']}/"
    assert client.simulate_put(path, json=made).json == made
    changed = client.simulate_put(path, json={**made, "cron_expression": "0 10 * * 1"})
    assert changed.status_code == 200, changed.text
    assert changed.json["next_run"] == "2026-11-23T10:00:00Z"
    assert changed.json["parameters"] == made["parameters"]
    assert client.simulate_put(path, json={**made, "last_run": "2026-01-01T00:00:00Z"}).status_code == 400


def test_the_last_run_is_told(client: Client, system: GivenSystem) -> None:
    made = create(client)
    client.simulate_post(f"/api/jobs/{made['id']}/trigger", json={})
    [work] = claim(system)
    record(system, work, succeeded())
    shown = client.simulate_get(f"/scheduler/jobs/{made['id']}").json
    assert (shown["last_run"], shown["next_run"]) == ("2026-11-20T12:00:00Z", made["next_run"])


def test_what_is_not_there_is_told_in_the_printed_words(client: Client) -> None:
    other = client.simulate_post("/jobs/api/jobs/", json={"name": "Report"}).json["id"]
    for job_id in (NO_JOB, other):
        result = client.simulate_get(f"/scheduler/jobs/{job_id}/")
        assert (result.status_code, result.json["error"]) == (404, "Job not found")
    page = client.simulate_get("/scheduler/jobs/", params={"page": 50})
    assert (page.status_code, page.json["error"]) == (404, "There is no page 50.")


def test_the_list_is_a_bare_array_in_pages_that_link_on(client: Client) -> None:
    names = [create(client, name=f"Report {number}")["name"] for number in range(3)]
    first = client.simulate_get("/scheduler/jobs/", params={"limit": 2})
    assert [one["name"] for one in first.json] == names[:0:-1]
    assert 'rel="next"' in first.headers["Link"]
    second = client.simulate_get("/scheduler/jobs/", params={"limit": 2, "page": 2})
    assert [one["name"] for one in second.json] == names[:1]
    assert client.simulate_get("/scheduler/jobs/", params={"page": 3, "limit": 2}).status_code == 404


def test_a_deleted_job_frees_its_name(client: Client) -> None:
    made = create(client)
    assert client.simulate_delete(f"/scheduler/jobs/{made['id']}/").status_code == 204
    assert client.simulate_get(f"/scheduler/jobs/{made['id']}/").status_code == 404
    create(client)


def test_its_app_is_made_on_first_use_where_others_are_not(sqlite: str) -> None:
    system = given_system(internal_secret="s")  # noqa: S106
    client = Client(served(system), headers={"X-Internal-Secret": "s"})
    create(client)
    assert client.simulate_post("/scheduler/jobs", json={"name": "x"}, headers={"X-Internal-Secret": "t"}).status == (
        "401 Unauthorized"
    )


def test_a_list_that_was_kept_is_asked_for_again_and_sent_only_if_it_changed(client: Client) -> None:
    create(client)
    first = client.simulate_get("/scheduler/jobs/")
    assert first.headers["Cache-Control"] == "private, no-cache"
    kept = {"If-None-Match": first.headers["ETag"]}
    same = client.simulate_get("/scheduler/jobs/", headers=kept)
    assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", first.headers["ETag"])
    create(client, name="Another")
    changed = client.simulate_get("/scheduler/jobs/", headers=kept)
    assert (changed.status_code, len(changed.json)) == (200, 2)


def test_a_job_is_never_shown_as_it_was(client: Client) -> None:
    assert client.simulate_get(f"/scheduler/jobs/{create(client)['id']}").headers["Cache-Control"] == "no-store"


def test_a_secret_header_of_a_request_is_masked_in_the_parameters_too_and_kept_by_an_edit(client: Client) -> None:
    headers = {"Authorization": "Bearer canary", "X-A": "shown"}
    made = create(client, parameters={"action": "http", "url": "https://example.com/x", "headers": headers})
    path = f"/scheduler/jobs/{made['id']}"
    assert made["parameters"]["headers"] == {"Authorization": "***", "X-A": "shown"}
    put_back = client.simulate_put(path, json={**made, "description": "New"})
    assert put_back.status_code == 200, put_back.text
    moved = {**made["parameters"], "url": "https://example.com/y"}
    assert client.simulate_patch(path, json={"parameters": moved}).status_code == 200
    assert stored_job(made["id"]).data["headers"] == headers
    assert stored_job(made["id"]).data["url"] == "https://example.com/y"
    shown = [client.simulate_get(one).text for one in (path, f"/api/jobs/{made['id']}", "/api/jobs", "/scheduler/jobs")]
    versions = [client.simulate_get(f"/api/jobs/{made['id']}/versions/{number}").text for number in (1, 2, 3)]
    assert [text for text in (*shown, *versions) if "canary" in text] == []
    elsewhere = {**moved, "url": "https://example.org/"}
    assert client.simulate_patch(path, json={"parameters": elsewhere}).status_code == 400
