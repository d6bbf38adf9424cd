"""What receivers and callers store may have any form of JSON; it breaks neither what shows it nor the live channel."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from api.sources.callbacks.channel import Updates
from core.principals import LOCAL
from services.jobs import lifecycle
from tests.factories import GivenSystem, claim_one, first_run, record, succeeded
from tests.integration.api.channels import opened
from tests.integration.api.client import Client, served
from tests.integration.api.listening import conducted, events
from tests.integration.api.rows import write

ODD = [1, True, {"a": 1}, ["https://files.example.com/a"], 1.5, None]

pytestmark = pytest.mark.usefixtures("prompt_streams")


def finished(client: Client, system: GivenSystem, result: Any) -> str:
    """A job whose receiver answered this."""
    job_id = client.create()
    record(system, claim_one(system), replace(succeeded(), result=result))
    return job_id


@pytest.mark.parametrize("url", ODD)
def test_a_file_url_that_is_no_text_is_shown_in_the_result_only(
    client: Client, system: GivenSystem, url: object
) -> None:
    job_id = finished(client, system, {"file_url": url})
    shown = client.simulate_get(f"/api/jobs/{job_id}")
    assert shown.status_code == 200, shown.text
    assert (shown.json["file_url"], shown.json["result"]) == (None, {"file_url": url})
    [listed] = client.simulate_get("/api/jobs").json["results"]
    assert listed == {name: value for name, value in shown.json.items() if name != "usual"}  # of one job alone


def test_the_file_url_of_an_upload_is_shown(client: Client, system: GivenSystem) -> None:
    job_id = finished(client, system, {"file_url": "https://files.example.com/a"})
    assert client.simulate_get(f"/api/jobs/{job_id}").json["file_url"] == "https://files.example.com/a"


@pytest.mark.parametrize("action", [[1], {"a": 1}, None, 5])
@pytest.mark.parametrize("where", ["data", "metadata"])
def test_003_changes_a_job_of_another_section_whose_action_is_no_text(
    client: Client, where: str, action: object
) -> None:
    odd = {"data": {"action": action}} if where == "data" else {"metadata": {"parameters": {"action": action}}}
    job_id = client.create(
        app_name="scheduler", name="Report", schedule={"type": "cron", "expression": "0 9 * * 1"}, **odd
    )
    path = f"/scheduler/jobs/{job_id}"
    assert client.simulate_get(path).json["parameters"]["action"] == "polling_task"
    changed = client.simulate_patch(path, json={"cron_expression": "0 10 * * 1"})
    assert changed.status_code == 200, changed.text
    assert changed.json["cron_expression"] == "0 10 * * 1"


def test_a_job_that_cannot_be_shown_is_left_out_of_the_live_channels(system: GivenSystem) -> None:
    odd, neighbour = first_run(system).job_id, first_run(system).job_id
    write("UPDATE jobs SET user_id = {} WHERE id = {}", "no JSON", str(odd))

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, "topics=jobs,runs") as heard,
            opened(conductor, "/ws/jobs/status") as statuses,
        ):
            lifecycle.pause(LOCAL, system, odd)
            await heard.next("run")
            lifecycle.pause(LOCAL, system, neighbour)
            assert (await heard.next("job")).data["job"]["id"] == str(neighbour)
            assert (await statuses.next(id=str(neighbour)))["status"] == "paused"

    asyncio.run(scene())


def test_a_fault_in_the_frames_of_one_listener_ends_no_other(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TypeError("a value of another form")

    monkeypatch.setattr(Updates, "tell", fail)
    job_id = first_run(system).job_id

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor) as heard,
            opened(conductor, f"/ws/jobs/{job_id}") as channel,
        ):
            lifecycle.pause(LOCAL, system, job_id)
            assert await channel.close_code() == 1013
            assert (await heard.next("job")).data["job"]["status"] == "paused"
            lifecycle.resume(LOCAL, system, job_id)
            assert (await heard.next("job")).data["job"]["status"] != "paused"

    asyncio.run(scene())
