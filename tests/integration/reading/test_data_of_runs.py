"""The data that a run has of its own are shown without the secrets in their headers, whatever its job has become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.errors import Conflict, PermanentFailure
from core.principals import LOCAL
from core.schedules import Cron
from models.tables import Job
from services.execution.work import Failed
from services.jobs import creating, definition, editing, requested_runs
from services.jobs.definition import Definition
from services.reading import records
from services.reading.views import JobView
from tests.factories import GivenSystem, claim_one, new_job, record

PLAIN: dict[str, Any] = {"url": "https://example.com/x"}
SECRETIVE: dict[str, Any] = {**PLAIN, "headers": {"Authorization": "Bearer canary", "X-A": "shown"}}


def as_callback(job_id: UUID) -> Callable[[JobView], Definition]:
    """An edit that makes a job a callback."""
    wanted = replace(definition.of(Job.get_by_id(job_id), ()), task_type="cb", callback_url="https://example.com/y")
    return lambda _: wanted


def test_a_header_given_for_one_run_stays_masked_once_the_job_is_of_another_type(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(Cron("0 0 1 1 *"), task_type="http", data=PLAIN))
    run_id = requested_runs.trigger(LOCAL, system, job_id, SECRETIVE).id
    shown = records.data_of_run(LOCAL, run_id)
    assert shown["headers"] == {"Authorization": "***", "X-A": "shown"}
    with pytest.raises(Conflict, match="has data of its own"):
        editing.edit(LOCAL, system, job_id, as_callback(job_id))
    record(system, claim_one(system), Failed(PermanentFailure("no")))
    editing.edit(LOCAL, system, job_id, as_callback(job_id))
    assert records.data_of_run(LOCAL, run_id) == shown
    with pytest.raises(Conflict, match="given for the task_type"):
        requested_runs.replay(LOCAL, system, run_id)
