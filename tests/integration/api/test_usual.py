"""How long the runs of a job usually take, as the answer for that one job tells it: what pages show."""

from __future__ import annotations

from uuid import UUID

from core import schedules
from core.principals import LOCAL
from core.scopes import Role
from models import database
from models.tables import Run
from services.jobs import creating
from services.reading.statistics import durations
from tests.factories import GivenSystem, new_job, runs_of
from tests.integration.api.client import Client
from tests.integration.reading.durations import run_for
from tests.integration.reading.statistics.usage import of

YEARLY = {"type": "cron", "expression": "0 0 1 1 *"}


def ran(client: Client, system: GivenSystem, *seconds: float) -> str:
    """The path of a job whose runs took so long."""
    job_id = client.create(schedule=YEARLY)
    for took in seconds:
        run_for(system, UUID(job_id), took)
    return f"/api/jobs/{job_id}"


def test_a_job_tells_how_long_its_runs_usually_take_once_three_have_completed(
    client: Client, system: GivenSystem
) -> None:
    path = ran(client, system, 2, 4)
    assert client.simulate_get(path).json["usual"] is None
    run_for(system, UUID(path.rpartition("/")[2]), 9)
    assert client.simulate_get(path).json["usual"] == {"seconds": 4.0, "most_seconds": 9.0, "runs": 3}


def test_runs_of_a_job_that_became_slow_are_not_among_the_usual_ones(client: Client, system: GivenSystem) -> None:
    path = ran(client, system, 2, 2, 2, 2, 60, 60)
    assert client.simulate_get(path).json["usual"] == {"seconds": 2.0, "most_seconds": 2.0, "runs": 4}


def test_what_is_usual_is_told_with_one_job_and_not_in_lists(client: Client, system: GivenSystem) -> None:
    path = ran(client, system, 2, 4, 9)
    shown = client.simulate_get(path).json
    assert client.simulate_patch(path, json={"priority": 7}).json["usual"] == shown["usual"]
    [listed] = client.simulate_get("/api/jobs").json["results"]
    assert shown.keys() - listed.keys() == {"usual"}


def test_a_job_that_was_shown_may_be_sent_back_whatever_has_become_usual_since(
    client: Client, system: GivenSystem
) -> None:
    path = ran(client, system, 2, 4, 9)
    shown = client.simulate_get(path).json
    for usual in (shown["usual"], None, {"seconds": 1}):
        result = client.simulate_put(path, json={**shown, "usual": usual})
        assert result.status_code == 200, result.text
        result = client.simulate_patch(path, json={"usual": usual})
        assert result.status_code == 200, result.text
    assert client.simulate_get(path).json == shown, "nothing has changed"


def test_what_is_usual_is_that_of_the_runs_that_the_caller_may_see(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), account_id="acme"))
    for seconds in (2, 4, 9, 9, 9, 9):
        run_for(system, job_id, seconds)
    first = [run.id for run in sorted(runs_of(job_id), key=lambda one: one.id)[:3]]
    with database.transaction():
        assert Run.update(account_id="other").where(Run.id.not_in(first)).execute() > 0
    seen = {}
    for who in (LOCAL, of(system, "app_a", Role.OWNER, "acme")):
        usual = durations.of_job(who, job_id)
        assert usual is not None
        seen[who] = (usual.seconds, usual.count)
    assert list(seen.values()) == [(9.0, 6), (4.0, 3)]
