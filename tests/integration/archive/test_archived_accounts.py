"""The account of an archived run is its own, wherever its job has moved since."""

from __future__ import annotations

import json
from dataclasses import replace

from core.principals import LOCAL
from core.schedules import Interval
from services.archive import lines
from services.jobs import definition, editing
from services.scheduling import dispatching
from tests.factories import GivenSystem, claim_one, first_run, record, stored_job, succeeded


def test_an_archived_run_tells_the_account_that_it_was_made_for(system: GivenSystem) -> None:
    run = first_run(system, Interval(every_seconds=3600), account_id="acc1")
    system.clock.advance(3600)
    dispatching.make_due(system, [run.id])
    record(system, claim_one(system), succeeded())
    editing.edit(
        LOCAL, system, run.job_id, lambda view: replace(definition.of(stored_job(view.id), ()), account_id="acc2")
    )
    [line] = lines.of_runs([run.id])
    assert json.loads(line)["account_id"] == "acc1"
