"""Every request that the five source documents print, sent as it stands there to the real embedded server."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import requests

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation
from tests.waiting import LONGEST, until

MONDAY = r"""
curl -X POST http://localhost:8000/scheduler/jobs/ \
-H "Content-Type: application/json" \
-d '{
    "name": "Monday Email",
    "description": "Send weekly newsletter every Monday at 9 AM",
    "cron_expression": "0 9 * * 1",
    "start_time": "2025-06-23T09:00:00Z",
    "parameters": {"action": "send_email", "recipient": "user@example.com"}
}'
"""
MONTHLY = r"""
curl -X POST http://localhost:8000/scheduler/jobs/ \
-H "Content-Type: application/json" \
-d '{
    "name": "Monthly Report",
    "description": "Generate report on the 1st of every month at 9 AM",
    "cron_expression": "0 9 1 * *",
    "start_time": "2025-07-01T09:00:00Z",
    "parameters": {"action": "generate_report", "type": "monthly"}
}'
"""
POLLING = """
{
  "app_name": "app_a",
  "user_id": "user1",
  "account_id": "acc1",
  "task_type": "polling_task",
  "schedule": {
    "type": "polling",
    "interval_seconds": 30
  },
  "data": {
    "some_key": "some_value"
  }
}
"""
WELCOME = {
    "job_type": "send_email",
    "parameters": {"recipient": "user@example.com", "subject": "Welcome!", "body": "Welcome to our service!"},
    "priority": 5,
    "max_retries": 3,
}
PARAMETERS = WELCOME["parameters"]  # where the document prints `{ ... }`
ACCOUNT = {"username": "yourname", "password": "yourpass", "email": "your@email.com"}


@pytest.fixture(scope="module")
def carillon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One embedded server for all: it calls its own receiver, and keeps mails in its outbox."""
    environment = {**QUICK, "COMMANDS_ALLOWED": "echo"}
    with Installation(tmp_path_factory.mktemp("carillon"), {"serve": 1}, environment) as carillon:
        yield carillon


def curl(carillon: Installation, printed: str) -> requests.Response:
    """What a printed curl command gets, sent to this server."""
    words = shlex.split(printed.replace("\\\n", " "))
    assert words[:3] == ["curl", "-X", "POST"]
    name, _, value = words[words.index("-H") + 1].partition(": ")
    url = words[3].replace("http://localhost:8000", carillon.url)
    return requests.post(url, data=words[words.index("-d") + 1], headers={name: value}, timeout=LONGEST)


def send(carillon: Installation, method: str, path: str, **options: Any) -> requests.Response:
    return requests.request(method, carillon.url + path, timeout=LONGEST, allow_redirects=False, **options)


def job(carillon: Installation, job_id: str) -> Any:
    return send(carillon, "GET", f"/api/jobs/{job_id}/").json()


def over(carillon: Installation, job_id: str) -> Any:
    until(lambda: job(carillon, job_id)["status"] in {"completed", "failed"}, f"job {job_id} to end")
    return job(carillon, job_id)


# 000


def test_000_the_printed_polling_job_is_made_and_its_status_told(carillon: Installation) -> None:
    headers = {"Content-Type": "application/json"}
    made = send(carillon, "POST", "/api/jobs/create", data=POLLING, headers=headers)
    assert made.status_code == 201, made.text
    assert set(made.json()) == {"id"}
    status = send(carillon, "GET", f"/api/jobs/{UUID(made.json()['id'])}/status")
    assert status.status_code == 200
    assert set(status.json()) == {"job_id", "status", "task_type", "created_at", "scheduled_at", "logs"}


# 001


def test_001_the_printed_mail_is_sent(carillon: Installation) -> None:
    made = send(carillon, "POST", "/api/jobs/", json=WELCOME)
    assert made.status_code == 201, made.text
    assert made.json()["status"] in {"pending", "running", "completed"}
    done = over(carillon, made.json()["id"])
    assert done["status"] == "completed", done
    assert (done["job_type"], done["parameters"], done["retries"]) == ("send_email", PARAMETERS, 0)
    assert set(done["result"]) >= {"message", "recipient"}
    assert done["result"]["recipient"] == "user@example.com"


def test_001_the_printed_immediate_job_is_made(carillon: Installation) -> None:
    printed = {"job_type": "send_email", "parameters": PARAMETERS, "schedule_type": "immediate"}
    made = send(carillon, "POST", "/api/jobs/", json=printed)
    assert (made.status_code, made.json()["schedule_type"]) == (201, "immediate")


def test_001_the_printed_date_has_passed_and_a_coming_one_is_taken(carillon: Installation) -> None:
    printed = {
        "job_type": "send_email",
        "parameters": PARAMETERS,
        "schedule_type": "scheduled",
        "scheduled_time": "2025-07-01T12:00:00Z",
    }
    refused = send(carillon, "POST", "/api/jobs/", json=printed)
    assert refused.status_code == 400
    assert "has passed" in refused.json()["scheduled_time"][0]
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = send(carillon, "POST", "/api/jobs/", json={**printed, "scheduled_time": tomorrow})
    assert made.status_code == 201, made.text
    assert (made.json()["status"], made.json()["scheduled_time"]) == ("pending", tomorrow)


def test_001_the_printed_paths_answer(carillon: Installation) -> None:
    made = send(carillon, "POST", "/api/jobs/", json=WELCOME).json()["id"]
    listed = send(carillon, "GET", "/api/jobs/").json()
    assert set(listed) == {"count", "next", "previous", "results"}
    assert made in {one["id"] for one in listed["results"]}
    stats = send(carillon, "GET", "/api/jobs/stats/").json()
    assert {"total", "pending", "running", "completed", "failed"} <= stats.keys()
    over(carillon, made)
    retried = send(carillon, "POST", f"/api/jobs/{made}/retry/")
    assert (retried.status_code, retried.json()["error"]) == (400, "Only failed jobs can be retried.")
    assert send(carillon, "DELETE", f"/api/jobs/{made}/").status_code == 204
    assert send(carillon, "GET", f"/api/jobs/{made}/").status_code == 404


def test_001_the_printed_upload_is_stored(carillon: Installation) -> None:
    made = send(carillon, "POST", "/api/jobs/upload-file/", files={"file": ("myfile.txt", b"hello")}, data={})
    assert made.status_code == 201, made.text
    done = over(carillon, made.json()["id"])
    assert done["status"] == "completed", done
    assert (done["job_type"], done["file_url"]) == ("upload_file", done["result"]["file_url"])
    link = send(carillon, "GET", f"/api/jobs/{done['id']}/download-url/").json()["download_url"]
    assert requests.get(link, timeout=LONGEST).content == b"hello"


def test_001_the_printed_types_are_listed(carillon: Installation) -> None:
    types = send(carillon, "GET", "/api/jobs/types/").json()
    assert {"send_email", "upload_file"} <= {one["key"] for one in types}
    assert all(one["label"] for one in types)


def test_001_the_documentation_page_is_there(carillon: Installation) -> None:
    assert send(carillon, "GET", "/swagger/").status_code == 200


# 002


def test_002_the_printed_account_registers_logs_in_and_has_tasks_of_its_own(carillon: Installation) -> None:
    registered = send(carillon, "POST", "/api/register/", json=ACCOUNT)
    assert registered.status_code == 201, registered.text
    assert set(registered.json()) == {"id", "username", "email"}
    login = {name: ACCOUNT[name] for name in ("username", "password")}
    for path in ("/api/login/", "/login/"):
        logged_in = send(carillon, "POST", path, json=login)
        assert set(logged_in.json()) == {"token", "user"}
    headers = {"Authorization": f"Token {logged_in.json()['token']}"}
    made = send(carillon, "POST", "/api/tasks/", json={"command": "echo hello"}, headers=headers)
    assert made.status_code == 201, made.text
    path = f"/api/tasks/{made.json()['id']}/"
    until(lambda: send(carillon, "GET", path, headers=headers).json()["status"] == "success", "the task to be over")
    assert [one["id"] for one in send(carillon, "GET", "/api/tasks/", headers=headers).json()] == [made.json()["id"]]
    assert send(carillon, "DELETE", path, headers=headers).status_code == 204
    assert send(carillon, "GET", path, headers=headers).status_code == 404


def test_002_the_pages_forms_register_and_log_in(carillon: Installation) -> None:
    form = {**ACCOUNT, "username": "other", "email": "other@email.com"}
    assert send(carillon, "POST", "/register/", data=form).status_code == 303
    logged_in = send(carillon, "POST", "/login/", data=form)
    assert (logged_in.status_code, logged_in.headers["Location"]) == (303, "/dashboard/")
    cookie = logged_in.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert send(carillon, "GET", "/api/tasks/", cookies=logged_in.cookies).status_code == 200


# 003


def test_003_both_printed_commands_work_as_they_stand(carillon: Installation) -> None:
    for printed, weekday, day in ((MONDAY, 0, None), (MONTHLY, None, 1)):
        made = curl(carillon, printed)
        assert made.status_code == 201, made.text
        shown = made.json()
        body = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
        assert {name: shown[name] for name in body} == body
        assert (shown["is_active"], shown["last_run"]) == (True, None)
        next_run = datetime.fromisoformat(shown["next_run"])
        assert next_run.hour == 9
        assert next_run > datetime.now(UTC)
        assert weekday is None or next_run.weekday() == weekday
        assert day is None or next_run.day == day
        assert send(carillon, "GET", f"/scheduler/jobs/{shown['id']}/").json() == shown
        assert shown in send(carillon, "GET", "/scheduler/jobs/").json()


# 004


def test_004_the_printed_paths_answer(carillon: Installation) -> None:
    deadline = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"name": "Report", "estimated_duration": 30, "priority": "high", "deadline": deadline}
    made = send(carillon, "POST", "/jobs/api/jobs/", json=body)
    assert made.status_code == 201, made.text
    assert {name: made.json()[name] for name in body} == body
    path = f"/jobs/api/jobs/{made.json()['id']}/"
    until(lambda: send(carillon, "GET", path).json()["status"] == "completed", "the job to be over")
    [execution] = send(carillon, "GET", f"{path}executions/").json()
    assert set(execution) == {"id", "job", "started_at", "completed_at", "success", "error_message", "duration"}
    assert (execution["job"], execution["success"]) == (made.json()["id"], True)
    for refused in (send(carillon, "PUT", path, json=body), send(carillon, "DELETE", path)):
        assert refused.status_code == 400
        assert "cannot be changed" in refused.json()["detail"]
    stats = send(carillon, "GET", "/jobs/api/jobs/stats/").json()
    assert set(stats) == {"status_counts", "priority_counts", "avg_wait_time", "total_jobs"}
    assert made.json()["id"] in {one["id"] for one in send(carillon, "GET", "/jobs/api/jobs/").json()}


def test_every_document_is_looked_at() -> None:
    """One test at least for each of the five documents."""
    names = {name[5:8] for name in globals() if name.startswith("test_0")}
    assert names == {"000", "001", "002", "003", "004"}
