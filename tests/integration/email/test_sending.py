"""What `send_email` sends, and what becomes of messages that a mail server will not take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.principals import LOCAL
from core.states import RunStatus
from core.trace_context import TraceContext
from services.apps import app_senders, apps
from services.execution.work import Failed, Succeeded
from services.jobs import creating
from tests.factories import given_system, new_job, stored_run
from tests.integration.email.conftest import LETTER, attempted, claimed, claimed_again, mailing
from tests.mail_server import MailServer
from tests.ports import closed_port

pytestmark = pytest.mark.usefixtures("store")

SEVERAL = ["a@example.com", "b@example.com", "c@example.com"]


def test_a_message_arrives_as_it_was_written(server: MailServer) -> None:
    system = mailing(server, email_from="Carillon <carillon@example.com>")
    html = "<p>Welcome!</p>"
    apps.ensure(LOCAL, system, "app_a")
    app_senders.put(LOCAL, system, "app_a", ["@example.com"])
    work = claimed(system, {**LETTER, "html": html, "reply_to": "help@example.com", "from": "shop@example.com"})
    result, outcome = attempted(system, work)
    [message] = server.messages
    headers = {name: message[name] for name in ("To", "Subject", "From", "Reply-To", "Message-ID")}
    assert headers == {
        "To": "ada@example.com",
        "Subject": "Welcome!",
        "From": "shop@example.com",
        "Reply-To": "help@example.com",
        "Message-ID": headers["Message-ID"],
    }
    assert headers["Message-ID"].startswith(f"<{work.run_id}.0.")
    parts = {part.get_content_type(): part.get_content().strip() for part in message.iter_parts()}
    assert parts == {"text/plain": LETTER["body"], "text/html": html}
    assert isinstance(result, Succeeded)
    assert result.result == {"message": "Email sent successfully.", "recipient": "ada@example.com"}
    assert (outcome.status, stored_run(work.run_id).result) == (RunStatus.COMPLETED, result.result)


def test_a_message_carries_the_trace_of_its_run_without_what_tracing_systems_keep_with_it(server: MailServer) -> None:
    trace = TraceContext("1" * 32, "2" * 16, is_sampled=True, state="vendor=1")
    system = mailing(server)
    creating.create(replace(LOCAL, trace=trace), system, new_job(task_type="send_email", data=LETTER))
    work = claimed_again(system)
    attempted(system, work)
    [message] = server.messages
    assert work.carried is not None
    assert message["traceparent"] == work.carried.traceparent != trace.traceparent
    assert (work.carried.trace_id, message["tracestate"]) == (trace.trace_id, None)


def test_names_in_the_template_are_filled_and_escaped_in_html_alone(server: MailServer) -> None:
    system = mailing(server)
    letter = {**LETTER, "subject": "For {{name}}", "body": "Dear {{name}}", "html": "<p>{{ name }}</p>"}
    attempted(system, claimed(system, {**letter, "context": {"name": "<Ada> & Söhne"}}))
    [message] = server.messages
    plain, html = [part.get_content().strip() for part in message.iter_parts()]
    assert (message["Subject"], plain) == ("For <Ada> & Söhne", "Dear <Ada> & Söhne")
    assert html == "<p>&lt;Ada&gt; &amp; Söhne</p>"


@pytest.mark.parametrize(
    ("letter", "says"),
    [
        ({**LETTER, "body": "Dear {{name}}"}, "'name' is undefined"),
        ({**LETTER, "subject": "{{name}}", "context": {"name": "a\nBcc: b@example.com"}}, "line break"),
        ({**LETTER, "subject": "{{name}}", "context": {"name": "=?utf-8?q?a=0D=0ABcc=3A?="}}, "encoded word"),
    ],
)
def test_what_cannot_be_filled_fails_for_good(server: MailServer, letter: dict[str, Any], says: str) -> None:
    system = mailing(server)
    result, outcome = attempted(system, claimed(system, letter))
    assert isinstance(result, Failed)
    assert says in result.error.message
    assert (outcome.status, server.messages) == (RunStatus.FAILED, [])


def test_a_recipient_refused_for_good_is_not_tried_again() -> None:
    with MailServer(lambda _: "550 5.1.1 No such user here") as server:
        system = mailing(server)
        work = claimed(system, LETTER)
        _, outcome = attempted(system, work)
    run = stored_run(work.run_id)
    assert (outcome.status, run.error_type) == (RunStatus.FAILED, "permanent")
    assert run.error_message == "ada@example.com: The mail server said: 550 5.1.1 No such user here"


def test_a_recipient_refused_for_now_is_tried_again() -> None:
    with MailServer(lambda _: "451 4.7.1 Greylisted") as server:
        system = mailing(server)
        _, outcome = attempted(system, claimed(system, LETTER))
    assert outcome.status is RunStatus.RETRYING


def test_content_refused_for_good_is_not_tried_again(server: MailServer) -> None:
    server.at_data = lambda _: "554 5.7.1 Looks like spam"
    system = mailing(server)
    result, outcome = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Failed)
    assert "554 5.7.1 Looks like spam" in result.error.message
    assert outcome.status is RunStatus.FAILED


def test_a_server_that_is_away_is_tried_again() -> None:
    with closed_port() as port:
        system = given_system(email_host="127.0.0.1", email_port=port, email_use_tls=False)
        result, outcome = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Failed)
    assert f"127.0.0.1 port {system.settings.email_port}" in result.error.message
    assert outcome.status is RunStatus.RETRYING


def test_without_a_server_in_the_services_mode_it_fails_and_says_which_setting_is_missing() -> None:
    work = claimed(given_system(), LETTER)
    services = given_system(database_url="postgresql://h/d", rabbitmq_url="amqp://h/")
    result, outcome = attempted(services, work)
    assert isinstance(result, Failed)
    assert "EMAIL_HOST is not set" in result.error.message
    assert outcome.status is RunStatus.FAILED


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({**LETTER, "recipient": "ada"}, "data.recipient"),
        ({**LETTER, "recipient": None, "recipients": SEVERAL}, "data.recipients: has 3 entries, more than 2"),
    ],
)
def test_what_a_trigger_gives_instead_is_looked_at_before_it_is_sent(
    server: MailServer, data: dict[str, Any], says: str
) -> None:
    system = mailing(server, email_max_recipients=2)
    work = replace(claimed(system, LETTER), data=data)
    result, outcome = attempted(system, work)
    assert isinstance(result, Failed)
    assert says in result.error.message
    assert (outcome.status, server.messages) == (RunStatus.FAILED, [])
