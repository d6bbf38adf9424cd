"""Idempotency-Key on everything that creates, starts or changes something: one effect, and one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models import database
from models.tables import ALL, IdempotencyKey, Job, Run, Token
from services import dispatching, users
from tests.factories import GivenSystem, claim, claim_one, first_run, given_system, polled, record, refused
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.test_accounts import token_of
from tests.integration.api.test_typed_jobs import MAIL, TYPED
from tests.integration.uploads.uploading import PATH as UPLOADS
from tests.integration.uploads.uploading import form, spooled

KEY = {"Idempotency-Key": "order-17/first"}
SOON = "2026-11-20T12:30:00Z"
AN_HOUR = 3600.0
HOURLY = {"type": "cron", "expression": "0 * * * *"}
LATER = {"type": "delay_from_now", "duration_seconds": 7200}
SPAN = {"from": "2026-11-20T09:00:00Z", "to": "2026-11-20T12:00:00Z", "again": True}

Request = tuple[str, dict[str, Any]]


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    return given_system(commands_allowed="echo", data_dir=tmp_path)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    """Asks as an administrator: tasks are someone's."""
    client = Client(served(given_system(commands_allowed="echo", admin_usernames="root", data_dir=system.settings.data_dir)))
    return client


class House:
    """What the operations are asked of."""

    def __init__(self, system: GivenSystem, client: Client) -> None:
        self.system = system
        self.client = client

    def failed_run(self) -> Run:
        run = first_run(self.system)
        for work in claim(self.system):
            record(self.system, work, refused())
        return run

    def rewindable(self) -> str:
        job_id = self.client.create()
        record(self.system, claim_one(self.system), polled({"page": 2}))
        record(self.system, self._next_poll(), polled({"page": 3}))
        return job_id

    def _next_poll(self) -> Any:
        self.system.clock.advance(30)
        dispatching.make_due(self.system, [run.id for run in Run.select().where(Run.finished_at.is_null())])
        return claim_one(self.system)

    def paused(self, what: str) -> str:
        assert self.client.simulate_post(f"/api/{what}/pause").status_code == 200
        return f"/api/{what}/resume"
