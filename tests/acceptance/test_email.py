"""Many e-mails, of which three are refused: the others arrive once, but where a worker died with one in its hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import FATAL, QUICK, THREADS
from tests.acceptance.installation import Installation
from tests.lengths import JOBS
from tests.mail_server import TAKEN, MailServer
from tests.waiting import LONGEST, until

EMAILS = JOBS
IN_ONE_BODY = 1_000  # what one request creates at most
HUNDRED = (*range(EMAILS, EMAILS + 50), EMAILS // 2, *range(EMAILS + 50, EMAILS + 99))  # one of them is refused
REFUSED = {f"user{number}@example.com" for number in (7, EMAILS // 2, EMAILS - 7)}
REFUSAL = "550 5.1.1 No such user here"
PROCESSES = {"web": 1, "worker": 2, "coordinator": 1}
JOB = {"app_name": "shop", "user_id": "u", "account_id": "a", "task_type": "send_email"}
NOW = {"type": "immediate"}


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer(lambda to: REFUSAL if to in REFUSED else TAKEN) as server:
        yield server


@pytest.fixture
def fault_points() -> str:
    """Where workers die, where a test lets them."""
    return ""


@pytest.fixture
def carillon(
    tmp_path: Path, postgresql: str, rabbitmq_url: str, mail_server: MailServer, fault_points: str
) -> Iterator[Installation]:
    """A web process, two workers and a coordinator, which send through the test's mail server."""
    environment = {
        **QUICK,
        "DATABASE_URL": postgresql,
        "RABBITMQ_URL": rabbitmq_url,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mail_server.port),
        "EMAIL_USE_TLS": "False",
        "FAULT_POINTS": fault_points,
    }
    with Installation(tmp_path, PROCESSES, environment) as carillon:
        yield carillon


@pytest.mark.parametrize("fault_points", [f"email.sent:{FATAL}"])
def test_those_created_in_bulk_arrive_once_but_for_those_in_hand_when_a_worker_dies(
    carillon: Installation, mail_server: MailServer
) -> None:
    """A worker dies with the last e-mail that it sent not recorded."""
    recipients = [f"user{number}@example.com" for number in range(EMAILS)]
    _create_in_bulk(carillon, recipients)
    _wait_for_the_end(carillon, EMAILS)
    deaths = carillon.killed("worker")
    got = mail_server.recipients()
    twice = [recipient for recipient, count in got.items() if count > 1]
    assert deaths in (1, 2)
    assert set(got) == set(recipients) - REFUSED
    assert carillon.count("completed") == len(got) == EMAILS - len(REFUSED)
    assert deaths <= len(twice) <= deaths * THREADS
    assert max(got.values()) <= 1 + deaths
    assert len({message["Message-ID"] for message in mail_server.messages}) == len(got), "the same message comes twice"
    failed = carillon.get("/api/runs?status=failed&limit=100")["results"]
    assert sorted(run["error_message"] for run in failed) == sorted(
        f"{recipient}: The mail server said: {REFUSAL}" for recipient in REFUSED
    )


@pytest.mark.parametrize("fault_points", ["email.sent:60"])
def test_a_hundred_recipients_of_one_job_get_one_each_but_for_the_one_at_the_death(
    carillon: Installation, mail_server: MailServer
) -> None:
    """The second worker to take the run sends 41 of them, which is not enough to die of."""
    recipients = [f"user{number}@example.com" for number in HUNDRED]
    job = {**JOB, "schedule": NOW, "data": {"recipients": recipients, "subject": "News", "body": "Dear reader"}}
    job_id = carillon.session.post(f"{carillon.url}/api/jobs/create", json=job, timeout=LONGEST).json()["id"]
    _wait_for_the_end(carillon, 1)
    assert carillon.killed("worker") == 1
    got = mail_server.recipients()
    assert set(got) == set(recipients) - REFUSED
    assert sorted(got.values()) == [1] * 98 + [2]
    assert len({message["Message-ID"] for message in mail_server.messages}) == 99
    [listed] = carillon.runs([job_id])[job_id]
    assert (listed["result"], listed["result_left_out"]) == (None, True), "so long a result is not for lists"
    run = carillon.get(f"/api/runs/{listed['id']}")
    result = run["result"]
    assert (run["status"], result["sent"], result["refused"], result["batch_id"]) == ("completed", 99, 1, run["id"])
    [refused] = [one for one in result["recipients"] if one["status"] == "refused"]
    assert refused["recipient"] in REFUSED
    assert refused["error"].endswith(REFUSAL)


def _create_in_bulk(carillon: Installation, recipients: list[str]) -> None:
    jobs = [{**JOB, "schedule": NOW, "data": _letter(recipient)} for recipient in recipients]
    for first in range(0, len(jobs), IN_ONE_BODY):
        body = {"jobs": jobs[first : first + IN_ONE_BODY]}
        answer = carillon.session.post(f"{carillon.url}/api/jobs/bulk", json=body, timeout=LONGEST)
        assert (answer.status_code, answer.json()["created"]) == (201, len(body["jobs"]))


def _letter(recipient: str) -> dict[str, Any]:
    return {
        "recipient": recipient,
        "subject": "Welcome, {{name}}!",
        "body": "Welcome to our service, {{name}}!",
        "context": {"name": recipient.partition("@")[0]},
    }


def _wait_for_the_end(carillon: Installation, count: int) -> None:
    until(lambda: carillon.count("completed") + carillon.count("failed") == count, f"{count} jobs to end")


def test_the_embedded_server_keeps_alerts_and_emails_in_its_outbox(tmp_path: Path) -> None:
    environment = {**QUICK, "CALLBACK_BASE_URL": "http://127.0.0.1:9", "ALERT_EMAIL": "ada@example.com"}
    with Installation(tmp_path, {"serve": 1}, environment) as carillon:
        carillon.create(NOW, max_retries=4, retry_backoff_base=0.01)
        carillon.create(NOW, task_type="send_email", data=_letter("bob@example.com"))
        until(lambda: len(carillon.get("/api/outbox")["results"]) == 2, "two e-mails in the outbox")
        kept = {one["recipient"]: one for one in carillon.get("/api/outbox")["results"]}
        subjects = {recipient: one["subject"] for recipient, one in kept.items()}
        assert subjects == {"ada@example.com": "Task Failed Multiple Times", "bob@example.com": "Welcome, bob!"}
        alert = carillon.get(f"/api/outbox/{kept['ada@example.com']['id']}")
        assert "has failed 5 times in a row" in alert["text"]
