"""A system that sends through a mail server of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from actors.handlers import email
from core.schedules import Immediate
from services.execution import claiming, workers
from services.execution.work import Result, Work
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from services.scheduling.run_endings import RunOutcome
from tests.factories import GivenSystem, failed, first_run, given_system, record
from tests.integration.execution.attempting import attempt, make_due_again
from tests.mail_server import MailServer

LETTER = {"recipient": "ada@example.com", "subject": "Welcome!", "body": "Welcome to our service!"}


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def mailing(server: MailServer, **overrides: Any) -> GivenSystem:
    """A system that sends through this server."""
    plain = {"email_host": "127.0.0.1", "email_port": server.port, "email_use_tls": False}
    return given_system(**{**plain, **overrides})


def claimed(system: GivenSystem, data: dict[str, Any], **overrides: Any) -> Work:
    """The first attempt at a new job that sends this."""
    first_run(system, Immediate(), task_type="send_email", data=data, **overrides)
    return claimed_again(system)


def claimed_again(system: GivenSystem) -> Work:
    """The most urgent attempt at e-mail."""
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_EMAIL, 1)
    return work


def attempted(system: GivenSystem, work: Work) -> tuple[Result, RunOutcome]:
    """What an attempt came to, recorded."""
    result = email.perform(system, work, AbortScope())
    outcome = record(system, work, result)
    assert outcome is not None
    return result, outcome


def failing_job(system: GivenSystem, **overrides: Any) -> UUID:
    """A one-shot whose five attempts have failed."""
    run = first_run(system, Immediate(), max_retries=10, **overrides)
    for _ in range(5):
        attempt(system, failed())
        make_due_again(system, run.id)
    job_id: UUID = run.job_id
    return job_id
