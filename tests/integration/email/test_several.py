"""Several messages of one job: each is sent once, whoever refuses, and whatever dies or goes away between two."""

from __future__ import annotations

from typing import Any
from unittest.mock import DEFAULT, Mock

import pytest

from actors.handlers import email
from core.errors import Aborted, AbortReason, DatabaseUnavailable
from core.principals import LOCAL
from core.states import RunStatus
from models import database
from models import deliveries as stored
from models.tables import Run
from services.jobs import requested_runs
from services.runtime import faults
from services.runtime.abort_scope import AbortScope
from tests.factories import stored_run
from tests.integration.email.conftest import LETTER, attempted, claimed, claimed_again, mailing
from tests.integration.execution.attempting import make_due_again
from tests.mail_server import TAKEN, MailServer

pytestmark = pytest.mark.usefixtures("store")

SEVERAL = ["a@example.com", "b@example.com", "c@example.com"]


class Killed(BaseException):
    """The process died here."""


def test_siblings_of_a_refused_recipient_get_theirs_over_one_connection() -> None:
    with MailServer(lambda to: "550 No such user" if to.startswith("b@") else TAKEN) as server:
        system = mailing(server)
        work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL})
        _, outcome = attempted(system, work)
    assert server.recipients() == {"a@example.com": 1, "c@example.com": 1}
    assert server.connections == 1
    assert outcome.status is RunStatus.COMPLETED
    assert stored_run(work.run_id).result == {
        "message": "2 of 3 e-mails sent.",
        "batch_id": str(work.run_id),
        "sent": 2,
        "refused": 1,
        "waiting": 0,
        "recipients": [
            {"recipient": "a@example.com", "status": "sent"},
            {
                "recipient": "b@example.com",
                "status": "refused",
                "error": "The mail server said: 550 No such user",
            },
            {"recipient": "c@example.com", "status": "sent"},
        ],
    }


def test_each_of_several_emails_has_its_own_text_and_values(server: MailServer) -> None:
    system = mailing(server)
    emails = [
        {"recipient": to, "subject": f"No. {number}", "body": "{{name}}, {{city}}", "context": {"name": to[0]}}
        for number, to in enumerate(SEVERAL)
    ]
    attempted(system, claimed(system, {"emails": emails, "context": {"name": "nobody", "city": "Ulm"}}))
    got = [(message["To"], message["Subject"], message.get_content().strip()) for message in server.messages]
    assert got == [(to, f"No. {number}", f"{to[0]}, Ulm") for number, to in enumerate(SEVERAL)]


def test_the_next_attempt_sends_only_what_was_not_sent() -> None:
    greylisted = {"b@example.com"}
    with MailServer(lambda to: "451 Come back" if to in greylisted else TAKEN) as server:
        system = mailing(server)
        work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL})
        _, outcome = attempted(system, work)
        assert outcome.status is RunStatus.RETRYING
        first = stored_run(work.run_id).result
        assert (first["sent"], first["waiting"]) == (2, 1)
        greylisted.clear()
        make_due_again(system, work.run_id)
        _, outcome = attempted(system, claimed_again(system))
    assert outcome.status is RunStatus.COMPLETED
    assert server.recipients() == dict.fromkeys(SEVERAL, 1)
    assert stored_run(work.run_id).result["sent"] == 3


def test_when_all_are_refused_the_run_fails() -> None:
    with MailServer(lambda _: "550 No such user") as server:
        system = mailing(server)
        work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL})
        _, outcome = attempted(system, work)
    assert outcome.status is RunStatus.FAILED
    assert "3 of 3 e-mails were not sent" in (stored_run(work.run_id).error_message or "")


def test_a_process_that_dies_has_one_message_at_most_sent_and_not_recorded(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = mailing(server)
    work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL})
    monkeypatch.setattr(faults, "reach", _dying_at(2))
    with pytest.raises(Killed):
        email.perform(system, work, AbortScope())
    monkeypatch.undo()
    attempted(system, work)
    assert server.recipients() == {"a@example.com": 1, "b@example.com": 2, "c@example.com": 1}
    ids = [message["Message-ID"] for message in server.messages]
    assert ids[1] == ids[2]


def test_while_the_database_is_away_what_was_sent_is_kept_in_mind(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = mailing(server)
    away = DatabaseUnavailable("It restarts.")
    turn = Mock(side_effect=[away, DEFAULT, away, *[DEFAULT] * 3])
    for name, real in (("of_runs", stored.of_runs), ("record", stored.record)):
        monkeypatch.setattr(stored, name, lambda *given, real=real: (turn(), real(*given))[1])
    _, outcome = attempted(system, claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL}))
    assert (outcome.status, server.recipients()) == (RunStatus.COMPLETED, dict.fromkeys(SEVERAL, 1))


def test_a_retry_sends_the_same_messages_but_to_nobody_who_has_theirs() -> None:
    answers = {"b@example.com": "451 Come back", "c@example.com": "550 No such user"}
    with MailServer(lambda to: answers.get(to, TAKEN)) as server:
        system = mailing(server)
        work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL}, max_retries=0)
        for _ in range(2):
            _, outcome = attempted(system, work)
            assert outcome.status is RunStatus.FAILED
            requested_runs.retry(LOCAL, system, work.job_id)
            work = claimed_again(system)
        answers.clear()
        _, outcome = attempted(system, work)
    assert (outcome.status, server.recipients()) == (RunStatus.COMPLETED, dict.fromkeys(SEVERAL, 1))
    assert len({str(message["Message-ID"]).partition(".")[0] for message in server.messages}) == 1
    assert stored_run(work.run_id).result["batch_id"] == str(work.run_id)


def test_a_run_that_repeats_a_completed_one_sends_again(server: MailServer) -> None:
    system = mailing(server)
    first, again = (claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL}) for _ in range(2))
    with database.transaction():
        Run.update(retry_of=first.run_id).where(Run.id == again.run_id).execute()
    for work in (first, again):
        attempted(system, work)
    assert server.recipients() == dict.fromkeys(SEVERAL, 2)


def test_a_cancel_between_two_messages_stops_the_rest(server: MailServer) -> None:
    system = mailing(server)
    work = claimed(system, {**LETTER, "recipient": None, "recipients": SEVERAL})
    scope = AbortScope()

    def cancel(count: int) -> str:
        if count == 1:
            scope.abort(AbortReason.CANCELLED)
        return TAKEN

    server.at_data = cancel
    with pytest.raises(Aborted):
        email.perform(system, work, scope)
    assert len(server.messages) <= 2


def _dying_at(count: int) -> Any:
    """What stands for `faults.reach` in a process that dies when it has sent so many messages."""
    left = [count]

    def reach(point: str) -> None:
        left[0] -= point == faults.EMAIL_SENT
        if left[0] == 0:
            raise Killed

    return reach
