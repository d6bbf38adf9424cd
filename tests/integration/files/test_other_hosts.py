"""A worker on another host, with a data folder of its own, fetches the file from the host that received it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
import uvicorn

from actors.handlers import upload as handler
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from models import database
from models.tables import Upload
from services.execution.work import Failed, Result
from services.files import uploads
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import served
from tests.integration.files.uploading import claimed, kept, perform, spooled, stored
from tests.ports import closed_port
from tests.waiting import LONGEST

CONTENT = bytes(range(256)) * 25_000


@pytest.fixture
def web(sqlite: str, tmp_path: Path) -> Iterator[GivenSystem]:
    """The host that receives files, with its real server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        system = given_system(data_dir=tmp_path / "web", spool_url=url)
        server = uvicorn.Server(uvicorn.Config(served(system), log_config=None, lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield system
        server.should_exit = True
        thread.join(LONGEST)


@pytest.fixture
def worker(web: GivenSystem, tmp_path: Path) -> GivenSystem:
    """Another host."""
    return given_system(data_dir=tmp_path / "worker")


def upload(web: GivenSystem) -> UUID:
    """The id of a new upload."""
    url = f"{web.settings.spool_address}/api/jobs/upload-file/"
    answer = requests.post(url, files={"file": ("a.bin", CONTENT)}, timeout=LONGEST)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["data"]["upload_id"])


def spool_url(web: GivenSystem, upload_id: UUID) -> str:
    return f"{web.settings.spool_address}/internal/spool/{upload_id}"


def _disconnecting(work: Callable[[], Result]) -> Result:
    try:
        return work()
    finally:
        database.disconnect()


def test_the_worker_fetches_the_file_and_stores_it_byte_for_byte(web: GivenSystem, worker: GivenSystem) -> None:
    upload(web)
    stored(worker)
    [file] = kept(worker)
    assert file.read_bytes() == CONTENT
    assert spooled(worker) == []


def test_the_receiving_host_removes_the_file_once_it_is_stored(web: GivenSystem, worker: GivenSystem) -> None:
    upload(web)
    assert uploads.sweep(web) == 0
    stored(worker)
    assert uploads.sweep(web) == 1
    assert spooled(web) == []


def test_a_shared_folder_needs_no_fetching(web: GivenSystem) -> None:
    upload_id = upload(web)
    stored(web)
    assert Upload.get_by_id(upload_id).fetch_hash is None


@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer wrong", "Basic eDp5"])
def test_nobody_gets_a_spooled_file_without_its_token(web: GivenSystem, header: str | None) -> None:
    upload_id = upload(web)
    uploads.grant(web, upload_id)
    headers = {} if header is None else {"Authorization": header}
    assert requests.get(spool_url(web, upload_id), headers=headers, timeout=LONGEST).status_code == 404


def test_a_token_is_for_one_file_and_gives_way_to_the_next(web: GivenSystem) -> None:
    one, other = upload(web), upload(web)
    first = uploads.grant(web, one)
    second = uploads.grant(web, one)

    def status(upload_id: UUID, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(spool_url(web, upload_id), headers=headers, timeout=LONGEST).status_code

    assert [status(one, second), status(one, first), status(other, second)] == [200, 404, 404]


def test_the_database_holds_no_token(web: GivenSystem) -> None:
    upload_id = upload(web)
    token = uploads.grant(web, upload_id)
    assert token not in str(Upload.get_by_id(upload_id).__data__)


def test_a_host_that_is_away_is_worth_another_try(web: GivenSystem, worker: GivenSystem) -> None:
    upload_id = upload(web)
    with closed_port() as port:
        Upload.update(host_url=f"http://127.0.0.1:{port}").where(Upload.id == upload_id).execute()
        result = perform(worker)
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert "could not be fetched" in result.error.message
    assert "refused. Set SPOOL_URL there to" in result.error.message


def test_a_worker_whose_disk_is_full_says_so(
    web: GivenSystem, worker: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(web)
    full = partial(Path("/dev/full").open, "r+b")
    monkeypatch.setattr(handler, "tempfile", SimpleNamespace(TemporaryFile=full))
    result = perform(worker)
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert result.error.message == "The worker's disk does not take the file: No space left on device."


def test_a_file_that_came_cut_off_is_not_stored(web: GivenSystem, worker: GivenSystem) -> None:
    upload(web)
    [file] = spooled(web)
    file.write_bytes(CONTENT[:-1])
    result = perform(worker)
    assert isinstance(result, Failed)
    assert f"{len(CONTENT) - 1} bytes came, not {len(CONTENT)}" in result.error.message
    assert kept(worker) == []


def test_a_file_that_is_gone_is_not_worth_another_try(web: GivenSystem, worker: GivenSystem) -> None:
    upload(web)
    [file] = spooled(web)
    file.unlink()
    result = perform(worker)
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermanentFailure)
    assert "send it again" in result.error.message


def test_a_file_that_comes_longer_than_it_was_is_read_no_further(web: GivenSystem, worker: GivenSystem) -> None:
    upload(web)
    [file] = spooled(web)
    file.write_bytes(CONTENT * 3)
    result = perform(worker)
    assert isinstance(result, Failed)
    assert f"{len(CONTENT) + 1} bytes came, not {len(CONTENT)}" in result.error.message


def test_an_abort_ends_a_fetch_of_which_no_byte_comes(worker: GivenSystem, web: GivenSystem) -> None:
    upload_id = upload(web)
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        Upload.update(host_url=url).where(Upload.id == upload_id).execute()
        work, scope = claimed(worker), AbortScope()
        doing = pool.submit(_disconnecting, lambda: handler.perform(worker, work, scope))
        asking, _ = silent.accept()
        with asking:
            asking.recv(10_000)
            asking.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\na".encode())
            scope.abort(AbortReason.TIME_LIMIT)
            with pytest.raises(Aborted):
                doing.result(timeout=handler.READ_SECONDS - 5)


def test_a_body_declared_far_too_large_is_refused_as_it_begins(web: GivenSystem) -> None:
    address = urlsplit(web.settings.spool_address)
    head = (
        f"POST /api/jobs/upload-file HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {11 * 1024**2}\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=LONGEST) as line:
        line.sendall(head.encode() + b"--x")
        assert b" 413 " in line.recv(100)
    assert spooled(web) == []


def test_a_caller_that_goes_away_in_the_midst_leaves_nothing(web: GivenSystem) -> None:
    address = urlsplit(web.settings.spool_address)
    head = (
        "POST /api/jobs/upload-file HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        "--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=LONGEST) as line:
        line.sendall(head.encode() + bytes(500_000))
    assert requests.get(f"{web.settings.spool_address}/healthz", timeout=LONGEST).ok
    upload(web)  # comes through after the one that broke off
    assert Upload.select().count() == 1
