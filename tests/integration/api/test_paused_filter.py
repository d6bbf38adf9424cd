"""The filter `paused` of jobs: by themselves, with their app or with everything; `status` keeps its meaning."""

from __future__ import annotations

from core.principals import LOCAL
from services.jobs import creating, lifecycle
from services.scheduling import pauses
from tests.factories import GivenSystem, new_job
from tests.integration.api.client import Client


def names(client: Client, query: str) -> set[str]:
    result = client.simulate_get(f"/api/jobs?{query}")
    assert result.status_code == 200, result.text
    return {job["name"] for job in result.json["results"]}


def test_jobs_of_a_paused_app_are_found_and_acted_on_with_those_that_are_paused_themselves(
    client: Client, system: GivenSystem
) -> None:
    for name, app in (("alone", "app_b"), ("of app", "app_a"), ("other", "app_b")):
        job_id = creating.create(LOCAL, system, new_job(name=name, app_name=app))
        if name == "alone":
            lifecycle.pause(LOCAL, system, job_id)
    pauses.pause_app(LOCAL, system, "app_a")
    assert names(client, "status=paused") == {"alone"}
    assert names(client, "paused=true") == {"alone", "of app"}
    assert names(client, "paused=true&search=app") == {"alone", "of app"}
    assert names(client, "paused=false") == {"other"}
    assert names(client, "paused=true&status=queued") == {"of app"}
    assert client.simulate_get("/api/jobs?paused=perhaps").status_code == 400
    body = {"action": "cancel", "filter": {"paused": True}, "dry_run": True}
    assert client.simulate_post("/api/jobs/actions", json=body).json["changed"] == 2
    pauses.pause_everything(LOCAL, system)
    assert names(client, "paused=true") == {"alone", "of app", "other"}
