"""What held a run, over HTTP: as far as the caller may see the runs that were before it."""

from __future__ import annotations

from core.limits import Limit
from core.principals import LOCAL
from services.execution import limit_changes
from tests.factories import claim, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, made_app, made_job
from tests.integration.api.client import Client, served
from tests.integration.api.people import HIDDEN, token_of


def test_the_runs_of_another_tenant_that_were_before_it_are_not_named(sqlite: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    of_apps = {}
    for name, app, priority in (("berta", THEIRS, 9), ("anna", MINE, 5)):
        who = token_of(client, name)
        made_app(client, who, app)
        made_job(client, who, app, schedule={"type": "immediate"}, priority=priority)
        of_apps[app] = who
    limit_changes.put(LOCAL, system, "host:127.0.0.1", Limit(1))
    [theirs] = claim(system)
    [mine] = client.simulate_get("/api/runs", headers=of_apps[MINE]).json["results"]
    hold = {"held_by": "concurrency", "key": "host:127.0.0.1", "since": "2026-11-20T12:00:00Z", "until": None}
    hold |= {"pause": None}
    path = f"/api/runs/{mine['id']}"
    assert client.simulate_get(path, headers=of_apps[MINE]).json["holds"] == [{**hold, "holders": []}]
    shown = client.simulate_get(path, headers=HIDDEN).json["holds"]
    assert shown == [{**hold, "holders": [str(theirs.run_id)]}]
    assert client.simulate_get(path, headers=of_apps[THEIRS]).status_code == 404
