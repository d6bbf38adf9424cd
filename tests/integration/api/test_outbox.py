"""The outbox over HTTP, and which e-mails are refused when they are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actors.handlers import email
from core.principals import LOCAL
from services.email import outbox
from services.maintenance import pruning
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, given_system, in_threads
from tests.integration.api.client import NO_JOB, Client, refusal, served
from tests.integration.email.conftest import LETTER, claimed_again

NOW = {"type": "immediate"}
TO_MANY = {"subject": "s", "body": "b"}


@pytest.fixture
def system(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(data_dir=tmp_path)


def create(client: Client, data: dict[str, Any]) -> str:
    return client.create(task_type="send_email", schedule=NOW, data=data)


def refused(client: Client, data: dict[str, Any]) -> dict[str, str]:
    return client.refused(task_type="send_email", schedule=NOW, data=data)


def send(system: GivenSystem, client: Client, **changes: Any) -> None:
    """Execute a new job whose e-mail is kept in the outbox."""
    create(client, {**LETTER, **changes})
    email.perform(system, claimed_again(system), AbortScope())


def test_without_a_mail_server_an_email_lies_in_the_outbox(system: GivenSystem, client: Client) -> None:
    send(system, client, subject="Grüße", html="<p>Hi</p>")
    [brief] = client.simulate_get("/api/outbox").json["results"]
    assert brief == {
        "id": brief["id"],
        "sent_at": "2026-11-20T12:00:00Z",
        "sender": "Carillon <carillon@localhost.localdomain>",
        "recipient": "ada@example.com",
        "subject": "Grüße",
    }
    whole = client.simulate_get(f"/api/outbox/{brief['id']}").json
    assert {name: whole[name] for name in brief} == brief
    assert (whole["text"].strip(), whole["html"].strip()) == (LETTER["body"], "<p>Hi</p>")
    assert whole["headers"]["To"] == "ada@example.com"


def test_what_is_no_template_arrives_as_it_was_sent(system: GivenSystem, client: Client) -> None:
    texts = {
        "subject": "Rechnung für Müller und Söhne {# 50% off #}",
        "body": "Sale {# 50% off #} {% today\n\n{{ alone",
        "html": "<style>@media(max-width:480px){#outlook a{padding:0}}</style>Hi",
    }
    send(system, client, **texts)
    [brief] = client.simulate_get("/api/outbox").json["results"]
    whole = client.simulate_get(f"/api/outbox/{brief['id']}").json
    assert (whole["subject"], whole["text"], whole["html"]) == (
        texts["subject"],
        *(texts[name] + "\n" for name in ("body", "html")),
    )


def test_the_outbox_is_listed_newest_first_up_to_the_limit(system: GivenSystem, client: Client) -> None:
    for number in range(3):
        send(system, client, subject=f"No. {number}")
    results = client.simulate_get("/api/outbox", params={"limit": 2}).json["results"]
    assert [one["subject"] for one in results] == ["No. 2", "No. 1"]


def test_an_outbox_that_nothing_was_put_into_is_empty(client: Client) -> None:
    assert client.simulate_get("/api/outbox").json == {"results": []}
    assert client.simulate_get(f"/api/outbox/{NO_JOB}").status_code == 404


def test_an_email_is_kept_as_long_as_history(system: GivenSystem, client: Client) -> None:
    send(system, client)
    [kept] = outbox.newest(LOCAL, system.settings, 10)
    made = datetime.fromtimestamp((kept.id.int >> 80) / 1000, UTC)
    system.clock.set(made + timedelta(days=30, seconds=-1))
    sum(pruning.sweep(system))
    assert outbox.newest(LOCAL, system.settings, 10) == [kept]
    system.clock.advance(2)
    sum(pruning.sweep(system))
    assert outbox.newest(LOCAL, system.settings, 10) == []


def test_files_of_others_in_the_outbox_are_left_alone(system: GivenSystem, client: Client) -> None:
    send(system, client)
    (system.settings.data_dir / "outbox" / "new" / "1764000000.M1P1.host").write_text("?")
    assert len(client.simulate_get("/api/outbox").json["results"]) == 1
    assert list((system.settings.data_dir / "outbox" / "tmp").iterdir()) == []


def test_an_email_that_was_seen_in_a_reader_of_maildirs_is_still_there(system: GivenSystem, client: Client) -> None:
    send(system, client)
    folder = system.settings.data_dir / "outbox"
    [kept] = (folder / "new").iterdir()
    kept.rename(folder / "cur" / f"{kept.name}:2,S")
    [brief] = client.simulate_get("/api/outbox").json["results"]
    assert client.simulate_get(f"/api/outbox/{brief['id']}").json["id"] == kept.name


def test_an_email_that_is_taken_away_meanwhile_is_left_out(
    system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        send(system, client)
    kept = sorted((system.settings.data_dir / "outbox" / "new").iterdir())
    monkeypatch.setattr(outbox, "_found", lambda *_: kept)
    kept[0].unlink()
    assert [one["id"] for one in client.simulate_get("/api/outbox").json["results"]] == [kept[1].name]


def test_an_outbox_that_is_half_made_is_made_whole(system: GivenSystem, client: Client) -> None:
    (system.settings.data_dir / "outbox" / "tmp").mkdir(parents=True)
    send(system, client)
    assert len(client.simulate_get("/api/outbox").json["results"]) == 1


def test_letters_that_come_at_once_all_get_into_a_new_outbox(system: GivenSystem) -> None:
    in_threads(8, lambda _: outbox.keep(system.settings, b"Date: Fri, 20 Nov 2026 12:00:00 +0000"))
    assert len(outbox.newest(LOCAL, system.settings, 10)) == 8


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({**LETTER, "subject": "a\r\nBcc: b@example.com"}, "data.subject", "line break"),
        ({**LETTER, "subject": "=?utf-8?q?a=0D=0ABcc=3A?="}, "data.subject", "encoded word"),
        ({**LETTER, "reply_to": "a@example.com\r\nBcc: b@example.com"}, "data.reply_to", "plain e-mail address"),
        ({**LETTER, "from": "a@example.com\nX: y"}, "data.from", "plain e-mail address"),
        ({**LETTER, "recipient": "ada"}, "data.recipient", "is 'ada', which is no plain e-mail address"),
        ({**LETTER, "recipient": "a@b,c@d"}, "data.recipient", "plain e-mail address"),
        ({**TO_MANY, "recipients": []}, "data.recipients", "at least 1"),
        ({**TO_MANY, "recipients": ["a@example.com", "x"]}, "data.recipients.1", "is 'x'"),
        ({**TO_MANY, "recipients": ["a@example.com"] * 2}, "data", "more than once"),
        ({**TO_MANY, "recipients": ["a@example.com", "a@EXAMPLE.com"]}, "data", "more than once"),
        ({**TO_MANY, "recipients": [f"a{n}@example.com" for n in range(101)]}, "data.recipients", "101 entries"),
        (TO_MANY, "data", "exactly one of recipient, recipients and emails, not none"),
        ({**LETTER, "recipients": ["a@example.com"]}, "data", "not recipient and recipients"),
        ({"recipient": "ada@example.com", "subject": "s"}, "data", "needs a subject and a body"),
        ({**LETTER, "body": "{{ name + }}"}, "data.body", "cannot be read in line 1"),
        ({**LETTER, "html": "{{ f() }}"}, "data.html", "has a call"),
        ({**LETTER, "cc": "b@example.com"}, "data.cc", "not"),
    ],
)
def test_an_email_that_cannot_be_sent_is_refused(client: Client, data: dict[str, Any], field: str, says: str) -> None:
    faults = refused(client, data)
    assert list(faults) == [field]
    assert says in faults[field]


def test_a_hundred_recipients_are_not_too_many(client: Client) -> None:
    create(client, {**TO_MANY, "recipients": [f"a{n}@example.com" for n in range(100)]})


def test_an_email_needs_nobody_to_call_back(system: GivenSystem) -> None:
    nobody = given_system(callback_base_url=None, data_dir=system.settings.data_dir)
    create(Client(served(nobody)), LETTER)


def test_the_services_mode_without_a_mail_server_refuses_email_and_names_the_setting(sqlite: str) -> None:
    services = given_system(database_url="postgresql://h/d", rabbitmq_url="amqp://h/")
    body = {"app_name": "a", "user_id": 1, "account_id": 2, "task_type": "send_email", "schedule": NOW, "data": LETTER}
    client = Client(served(services))
    faults = refusal(client.simulate_post("/api/jobs/create", json=body))
    assert "EMAIL_HOST" in faults["task_type"]
    assert "send_email" not in {one["key"] for one in client.simulate_get("/api/jobs/types").json}


def test_email_is_listed_among_the_kinds_of_task_with_what_it_takes(client: Client) -> None:
    [email_type] = [one for one in client.simulate_get("/api/jobs/types").json if one["key"] == "send_email"]
    assert email_type["label"] == "Send e-mail"
    assert {"recipient", "recipients", "emails", "from", "context"} <= email_type["schema"]["properties"].keys()


def test_each_of_many_jobs_is_refused_by_itself(client: Client) -> None:
    job = {"app_name": "a", "user_id": 1, "account_id": 2, "task_type": "send_email", "schedule": NOW}
    jobs = [{**job, "data": LETTER}, {**job, "data": {**LETTER, "recipient": "ada"}}]
    answer = client.simulate_post("/api/jobs/bulk", json={"mode": "each", "jobs": jobs})
    assert (answer.status_code, answer.json["created"], answer.json["failed"]) == (207, 1, 1)
    assert answer.json["results"][1]["errors"][0]["field"] == "data.recipient"
