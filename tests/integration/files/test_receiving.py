"""What a caller sends, and what is refused before anything is kept."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from falcon.media import multipart
from falcon.util import mediatypes
from falcon.util.mediatypes import parse_header

from api import forms
from models.tables import Job, Run, Upload
from services.files.spool import Incoming
from services.messaging import broker as brokers
from settings import Settings
from tests.factories import NOON, GivenSystem, given_system
from tests.integration.api.client import Client, refusal, served
from tests.integration.files.uploading import PATH, form, raw_form, spooled, upload

FUTURE = (NOON + timedelta(days=1)).isoformat()


def refused(client: Client, **request: Any) -> dict[str, str]:
    return refusal(client.simulate_post(PATH, **request))


def test_a_file_becomes_a_job_that_waits_for_a_worker_of_uploads(client: Client, system: GivenSystem) -> None:
    job = upload(client, b"hello")
    assert job["task_type"] == "upload_file"
    assert (job["app_name"], job["account_id"], job["user_id"]) == ("default", "anonymous", "anonymous")
    assert (job["priority"], job["max_retries"], job["retry_backoff_base"]) == (5, 3, 2)
    assert (job["data"]["file_name"], job["data"]["size"]) == ("myfile.txt", 5)
    assert Run.get().queue == brokers.RUNS_UPLOAD
    [file] = spooled(system)
    assert file.read_bytes() == b"hello"
    assert file.stat().st_mode & 0o077 == 0
    assert file.name == job["data"]["upload_id"]


def test_an_answer_tells_where_the_job_is(client: Client) -> None:
    result = client.simulate_post("/api/jobs/upload-file", **form())
    assert result.headers["Location"] == f"/api/jobs/{result.json['id']}"


def test_every_field_of_001_is_taken_and_ours_besides(client: Client) -> None:
    job = upload(
        client,
        priority="9",
        max_retries="0",
        schedule_type="scheduled",
        scheduled_time=FUTURE,
        file_name="report.pdf",
        app_name="app_a",
        account_id="7",
        user_id="u",
    )
    assert (job["priority"], job["max_retries"]) == (9, 0)
    assert (job["app_name"], job["account_id"], job["user_id"]) == ("app_a", "7", "u")
    assert job["data"]["file_name"] == "report.pdf"
    assert Run.get().due_at == NOON + timedelta(days=1)


def test_fields_may_come_before_the_file_or_after(client: Client) -> None:
    fields: list[tuple[str, Any]] = [("priority", "high"), ("file", ("a.txt", b"x")), ("max_retries", "1")]
    result = client.simulate_post(PATH, **raw_form(fields))
    assert (result.json["priority"], result.json["max_retries"]) == (8, 1)


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"priority": "10"}, "priority"),
        ({"priority": "urgent"}, "priority"),
        ({"max_retries": "-1"}, "max_retries"),
        ({"max_retries": "1.5"}, "max_retries"),
        ({"schedule_type": "scheduled"}, "scheduled_time"),
        ({"scheduled_time": FUTURE}, "scheduled_time"),
        ({"schedule_type": "scheduled", "scheduled_time": "2020-01-01T00:00:00Z"}, "scheduled_time"),
        ({"schedule_type": "interval"}, "schedule_type"),
        ({"app_name": "a/b"}, "app_name"),
        ({"account_id": ""}, "account_id"),
        ({"file_name": "x" * 256}, "file_name"),
        ({"file_name": "a\0b"}, "file_name"),
        ({"colour": "red"}, "colour"),
        ({"aws_endpoint_url": "http://127.0.0.1:9"}, "aws_endpoint_url"),
        ({"priority": "5" * 5_000}, "priority"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    client: Client, system: GivenSystem, texts: dict[str, Any], field: str
) -> None:
    assert list(refused(client, **form(**texts))) == [field]
    assert (spooled(system), Job.select().count(), Upload.select().count()) == ([], 0, 0)


def test_a_form_needs_one_file(client: Client, system: GivenSystem) -> None:
    assert list(refused(client, **raw_form([("priority", "5")]))) == ["file"]
    assert list(refused(client, **raw_form([("file", ("a", b"1")), ("file", ("b", b"2"))]))) == ["file"]
    assert list(refused(client, **raw_form([("priority", "5"), ("priority", "5"), ("file", ("a", b""))]))) == [
        "priority"
    ]
    assert spooled(system) == []


@pytest.mark.parametrize("most", [1_000, 300_000])
def test_a_file_of_just_the_limit_is_taken_and_a_byte_more_is_not(sqlite: str, tmp_path: Any, most: int) -> None:
    system = given_system(data_dir=tmp_path / "data", max_upload_bytes=most)
    client = Client(served(system))
    assert upload(client, bytes(most))["data"]["size"] == most
    result = client.simulate_post(PATH, **form(bytes(most + 1)))
    assert result.status_code == 413
    assert f"larger than {most} bytes" in result.json["detail"]
    assert (len(spooled(system)), Job.select().count()) == (1, 1)


@pytest.mark.parametrize("content", [b"small", bytes(1_000_000)], ids=["when it is finished", "in the midst"])
def test_a_full_disk_is_a_503_that_says_so(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    begin = Incoming.__init__

    def begin_on_a_full_disk(incoming: Incoming, settings: Settings, identity: str) -> None:
        begin(incoming, settings, identity)
        with Path("/dev/full").open("wb") as full:
            os.dup2(full.fileno(), incoming._file.fileno())

    monkeypatch.setattr(Incoming, "__init__", begin_on_a_full_disk)
    result = client.simulate_post(PATH, **form(content))
    assert (result.status_code, "No space left" in result.json["detail"]) == (503, True), result.text
    assert "Retry-After" in result.headers
    assert (spooled(system), Job.select().count()) == ([], 0)


def test_a_spool_that_cannot_be_made_is_a_503(client: Client, system: GivenSystem) -> None:
    system.settings.data_dir.write_text("no folder")
    assert client.simulate_post(PATH, **form()).status_code == 503


def test_ten_megabytes_are_the_limit_where_nothing_else_is_said() -> None:
    assert given_system().settings.max_upload_bytes == 10 * 1024**2


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_what_is_no_form_with_a_file_is_refused(client: Client, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    assert client.simulate_post(PATH, body=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\ncut off",
        b"--x\r\nContent-Disposition: form-data; name=\xff\xfe; filename=a\r\n\r\nx\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=file; filename*=klingon''a\r\n\r\nx\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=priority\r\n\r\n\xff\r\n--x--\r\n",
        b"--x--\r\n",
    ],
)
def test_a_form_that_is_broken_is_refused_and_nothing_is_kept(client: Client, system: GivenSystem, body: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.simulate_post(PATH, body=body, headers=headers).status_code == 400
    assert spooled(system) == []


def test_a_form_without_its_boundary_is_refused(client: Client) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    assert client.simulate_post(PATH, body=b"x", headers=headers).status_code == 400


def test_only_short_heads_of_forms_and_parts_are_taken_apart(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Falcon takes the square of the length of a head with quotes."""
    lengths: list[int] = []

    def noted(line: str) -> Any:
        lengths.append(len(line))
        return parse_header(line)

    monkeypatch.setattr(multipart, "parse_header", noted)
    monkeypatch.setattr(mediatypes, "parse_header", noted)
    long, sent = 'x="' + ";" * 60_000, form()
    declared = {"Content-Type": f"{sent['headers']['Content-Type']};{long}"}
    assert client.simulate_post(PATH, body=sent["body"], headers=declared).status_code == 415
    assert lengths == []
    for most, status in ((6_000, 400), (1_000, 201)):
        body = sent["body"].replace(b"form-data;", b"form-data;" + long[:most].encode() + b'";', 1)
        assert client.simulate_post(PATH, body=body, headers=sent["headers"]).status_code == status
    assert max(lengths) < forms.MAX_BYTES_OF_PART_HEAD


def test_an_unknown_app_is_not_made_for_callers_who_show_the_secret(store: str, tmp_path: Any) -> None:
    system = given_system(data_dir=tmp_path / "data", internal_secret="s")  # noqa: S106
    client = Client(served(system))
    request = form(app_name="nobody")
    assert client.simulate_post(PATH, **request).status_code == 401
    request["headers"]["X-Internal-Secret"] = "s"
    assert client.simulate_post(PATH, **request).status_code == 404
    assert spooled(system) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\Users\\me\\a b.txt", "a b.txt"),
        ("../../etc/passwd", "passwd"),
        ("übung.pdf", "übung.pdf"),
        ("a\x01b.txt", "ab.txt"),
        ("..", ".."),
    ],
)
def test_a_files_name_loses_its_folders(client: Client, sent: str, kept: str) -> None:
    assert upload(client, file_name=sent)["data"]["file_name"] == kept


def test_a_job_cannot_name_the_file_of_another(client: Client) -> None:
    job = {"app_name": "a", "user_id": 1, "account_id": 2, "schedule": {"type": "immediate"}}
    result = client.simulate_post("/api/jobs/create", json={**job, "task_type": "upload_file", "data": {}})
    assert result.status_code == 400
    assert "upload_id" in json.dumps(result.json["errors"])
