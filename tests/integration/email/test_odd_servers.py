"""Mail servers that refuse late, close early, or answer with nonsense: nobody else's message suffers, none is lost."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import Mock

import pytest

from actors.calls.connection import Line
from actors.handlers import email
from core.errors import Aborted, AbortReason, TransientFailure
from core.states import RunStatus
from services.email import smtp_client
from services.runtime.abort_scope import AbortScope
from tests.factories import given_system, stored_run
from tests.integration.email.conftest import LETTER, attempted, claimed
from tests.scripted_mail_server import DOT, ScriptedMailServer, Session
from tests.waiting import LONGEST

pytestmark = pytest.mark.usefixtures("sqlite")

SEVERAL = ["a@example.com", "b@example.com", "c@example.com"]
BATCH = {"recipients": SEVERAL, "subject": "s", "body": "b"}


def sent(server: ScriptedMailServer, data: dict[str, Any]) -> tuple[dict[str, Any], RunStatus]:
    """The result of an attempt to send this through the server, and what became of the run."""
    system = given_system(email_host="127.0.0.1", email_port=server.port, email_use_tls=False)
    work = claimed(system, data)
    _, outcome = attempted(system, work)
    return stored_run(work.run_id).result, outcome.status


def test_a_message_refused_at_data_fails_alone() -> None:
    def answer(command: str, session: Session) -> str | None:
        return "450 4.7.1 Greylisted" if command == "data" and session.recipient == SEVERAL[0] else None

    with ScriptedMailServer(answer) as server:
        result, status = sent(server, BATCH)
    assert (server.taken, len(server.sessions)) == (SEVERAL[1:], 1)
    assert (result["refused"], result["waiting"], status) == (0, 1, RunStatus.RETRYING)


@pytest.mark.parametrize("answer", ["421 4.7.0 Too many messages", "503 Bad sequence", "what?"])
def test_a_connection_that_is_spent_is_opened_again(answer: str) -> None:
    with ScriptedMailServer(
        lambda command, session: answer if session.taken and command[:4] == "mail" else None
    ) as server:
        result, status = sent(server, BATCH)
    assert (server.taken, len(server.sessions)) == (SEVERAL, 3)
    assert (result["sent"], status) == (3, RunStatus.COMPLETED)


@pytest.mark.parametrize("answer", ["421 4.3.2 Shutting down", "what?"])
def test_an_answer_about_the_connection_is_no_refusal(answer: str) -> None:
    with ScriptedMailServer(lambda command, _: answer if command.startswith("rcpt") else None) as server:
        _, status = sent(server, LETTER)
    assert status is RunStatus.RETRYING


def test_a_server_that_is_away_is_tried_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Mock(side_effect=TransientFailure("No connection."))
    monkeypatch.setattr(Line, "connect", tried)
    system = given_system(email_host="mail.example.com")
    _, outcome = attempted(system, claimed(system, BATCH))
    assert (tried.call_count, outcome.status) == (1, RunStatus.RETRYING)


def test_a_server_that_takes_its_time_after_the_last_dot_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp_client, "_REPLY_SECONDS", 3)
    left: list[bool] = []

    def take_its_time(command: str, session: Session) -> None:
        if command == DOT:
            left.append(session.is_left(within_seconds=3.5))

    with ScriptedMailServer(take_its_time) as server:
        _, status = sent(server, LETTER)
    assert left == [False]
    assert (server.taken, status) == ([LETTER["recipient"]], RunStatus.COMPLETED)


def test_a_cancel_while_the_server_looks_at_a_message_ends_the_attempt() -> None:
    scope, is_over = AbortScope(), threading.Event()

    def cancel(command: str, _session: Session) -> None:
        if command == DOT:
            scope.abort(AbortReason.CANCELLED)
            is_over.wait(LONGEST)

    with ScriptedMailServer(cancel) as server:
        system = given_system(email_host="127.0.0.1", email_port=server.port, email_use_tls=False)
        work = claimed(system, LETTER)
        with pytest.raises(Aborted):
            email.perform(system, work, scope)
        is_over.set()
