"""A worker stores the file in a folder, and a link leads to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from actors.handlers import upload as handler
from core import signing
from core.states import JobState
from models.tables import Upload
from services.execution.work import Failed
from services.files import uploads
from services.runtime import durable
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, stored_job
from tests.integration.api.client import NO_JOB, Client
from tests.integration.files.uploading import LARGE, PATH, claimed, kept, perform, saved_as, spooled, stored, upload


def download(client: Client, job_id: str) -> Any:
    """What is behind the link to a job's file, of a server that keeps files itself."""
    link = urlsplit(client.simulate_get(f"/api/jobs/{job_id}/download-url").json["download_url"])
    return client.simulate_get(link.path, query_string=link.query)


@pytest.mark.parametrize("content", [b"", b"hello", LARGE], ids=["empty", "small", "large"])
def test_a_file_is_stored_byte_for_byte_and_leaves_the_spool(
    client: Client, system: GivenSystem, content: bytes
) -> None:
    job = upload(client, content)
    result = stored(system)
    [file] = kept(system)
    assert file.read_bytes() == content
    assert spooled(system) == []
    assert result["message"] == f"Stored myfile.txt ({len(content)} bytes)."
    assert result["file_url"].startswith("http://127.0.0.1:8000/files/default/anonymous/")
    assert stored_job(job["id"]).state is JobState.COMPLETED


def test_the_link_to_a_file_leads_to_it(client: Client, system: GivenSystem) -> None:
    job = upload(client, LARGE, name="<b>ü.html")
    stored(system)
    answer = download(client, job["id"])
    assert answer.content == LARGE
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


NAMES = (
    "отчёт 2026.pdf",
    "plain name.pdf",
    'a"b;c.pdf',
    "a%41.pdf",
    "日次　レポート.csv",
    "می\u200cشود.txt",
    "x" * 250 + ".pdf",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_saved_under_its_own_name(client: Client, system: GivenSystem, name: str) -> None:
    by_form = upload(client, name=name)
    by_field = upload(client, name="other.bin", file_name=name)
    stored(system)
    stored(system)
    for job in (by_form, by_field):
        assert saved_as(download(client, job["id"]).headers["Content-Disposition"]) == name


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ('filename="C:\\\\docs\\\\report.pdf"', "report.pdf"),
        ('filename="C:\\docs\\report.pdf"', "report.pdf"),
        ('filename="a\\"b.pdf"', 'a"b.pdf'),
        ("filename*=UTF-8''%D1%8F.pdf", "я.pdf"),
        ('filename="\u202egpj.exe"', "gpj.exe"),
    ],
)
def test_the_name_in_a_form_is_read_as_clients_write_it(
    client: Client, system: GivenSystem, sent: str, name: str
) -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="file"; {sent}\r\n\r\nhello\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    job = client.simulate_post(PATH, body=body.encode(), headers=headers).json
    stored(system)
    assert saved_as(download(client, job["id"]).headers["Content-Disposition"]) == name


def test_a_link_lasts_an_hour(client: Client, system: GivenSystem) -> None:
    job = upload(client)
    stored(system)
    link = urlsplit(client.simulate_get(f"/api/jobs/{job['id']}/download-url").json["download_url"])
    system.clock.advance(3_599)
    assert client.simulate_get(link.path, query_string=link.query).content == b"hello"
    system.clock.advance(1)
    expired = client.simulate_get(link.path, query_string=link.query)
    assert expired.status_code == 403
    assert "has expired" in expired.json["detail"]


@pytest.mark.parametrize(
    "change", ["expires=9999999999", "signature=" + "0" * 64, "file_name=other.exe", "signature=%FF", "signature="]
)
def test_a_link_that_was_changed_leads_nowhere(client: Client, system: GivenSystem, change: str) -> None:
    job = upload(client)
    stored(system)
    link = urlsplit(client.simulate_get(f"/api/jobs/{job['id']}/download-url").json["download_url"])
    name = change.partition("=")[0]
    query = "&".join([part for part in link.query.split("&") if not part.startswith(name)] + [change])
    assert client.simulate_get(link.path, query_string=query).status_code == 403


@pytest.mark.parametrize("key", [b"", b"short"])
def test_a_key_that_is_not_whole_opens_nothing(client: Client, system: GivenSystem, key: bytes) -> None:
    job = upload(client)
    stored(system)
    [file] = kept(system)
    name = str(file.relative_to(system.settings.data_dir / "files"))
    (system.settings.data_dir / "links.key").write_bytes(key)
    expires = str(int(system.clock.now().timestamp()) + 10)
    forged = {"expires": expires, "signature": signing.sign(key, "download", name, expires)}
    assert client.simulate_get(f"/files/{name}", params=forged).status_code == 403
    asked = client.simulate_get(f"/api/jobs/{job['id']}/download-url")
    assert (asked.status_code, "links.key" in asked.json["detail"]) == (403, True)


def test_a_file_is_on_the_disk_with_all_its_folders_before_the_spool_lets_go_of_it(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(client)
    files = system.settings.data_dir / "files"
    synced: list[Path] = []
    monkeypatch.setattr(durable, "sync", lambda file: synced.append(Path(file.name)))
    monkeypatch.setattr(durable, "sync_folder", synced.append)
    monkeypatch.setattr(uploads, "mark_stored", lambda *_: synced.append(Path("marked")))
    stored(system)
    [file] = kept(system)
    folders = [one for one in file.parents if one.is_relative_to(files)]
    assert synced == [file, *folders, Path("marked")]


def test_what_a_killed_worker_left_goes_with_the_next_attempt(client: Client, system: GivenSystem) -> None:
    upload(client)
    folder = (system.settings.data_dir / "files" / Upload.get().object_name).parent
    folder.mkdir(parents=True)
    (folder / "myfile.txt#1").write_bytes(b"hel")
    stored(system)
    assert [file.name for file in kept(system)] == ["myfile.txt"]


@pytest.mark.parametrize("path", ["/files/default/anonymous/x/y", "/files/../carillon.db", "/files/%2e%2e/links.key"])
def test_no_file_is_open_without_a_link(client: Client, path: str) -> None:
    assert client.simulate_get(path).status_code == 403


def test_two_uploads_of_one_name_never_meet(client: Client, system: GivenSystem) -> None:
    jobs = [upload(client, content) for content in (b"one", b"two")]
    urls = {stored(system)["file_url"] for _ in jobs}
    assert len(urls) == 2
    assert [download(client, job["id"]).content for job in jobs] == [b"one", b"two"]


def test_each_account_of_each_app_has_a_prefix_of_its_own(client: Client, system: GivenSystem) -> None:
    for app_name, account_id in (("a", "b"), ("a b", "../c"), ("a_b", "c")):
        upload(client, app_name=app_name, account_id=account_id)
        stored(system)
    folders = {file.parts[-4:-2] for file in kept(system)}
    assert len(folders) == 3
    assert {("a", "b"), ("a_b", "c")} < folders


def test_a_worker_that_died_after_storing_leaves_one_object_and_the_next_tells_of_it(
    client: Client, system: GivenSystem
) -> None:
    upload(client)
    work = claimed(system)
    first, second = (handler.perform(system, work, AbortScope()) for _ in range(2))
    assert first == second
    assert len(kept(system)) == 1


def test_a_link_needs_a_stored_file(client: Client, system: GivenSystem) -> None:
    job = upload(client)
    assert client.simulate_get(f"/api/jobs/{job['id']}/download-url").status_code == 409
    assert client.simulate_get(f"/api/jobs/{client.create()}/download-url").status_code == 404
    assert client.simulate_get(f"/api/jobs/{NO_JOB}/download-url").status_code == 404


def test_a_job_whose_file_is_gone_says_where_to_look(client: Client, system: GivenSystem) -> None:
    upload(client)
    [file] = spooled(system)
    file.unlink()
    result = perform(system)
    assert isinstance(result, Failed)
    assert "SPOOL_URL" in result.error.message


def test_a_job_that_comes_without_a_file_is_refused(client: Client) -> None:
    faults = client.refused(task_type="upload_file", data={"upload_id": NO_JOB, "file_name": "x", "size": 1})
    assert "POST /api/jobs/upload-file" in faults["task_type"]
