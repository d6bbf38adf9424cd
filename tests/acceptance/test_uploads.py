"""Uploads through a whole Carillon, to a real S3 server: byte for byte, with flat memory, and an empty spool."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation
from tests.s3_server import s3_server
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.xdist_group("uploads")  # they share a server and a bucket

MEGABYTE = 1024**2
LARGEST = 10 * MEGABYTE
MAX_MEMORY = 60_000_000


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    with s3_server() as url:
        requests.put(f"{url}/carillon", timeout=LONGEST).raise_for_status()
        yield {
            "AWS_STORAGE_BUCKET_NAME": "carillon",
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }


@pytest.fixture(scope="module")
def carillon(tmp_path_factory: pytest.TempPathFactory, bucket: dict[str, str]) -> Iterator[Installation]:
    """One server for all who store in the bucket: each upload is a job of its own."""
    with Installation(tmp_path_factory.mktemp("carillon"), {"serve": 1}, {**QUICK, **bucket}) as carillon:
        yield carillon


def upload(carillon: Installation, content: bytes, **fields: Any) -> requests.Response:
    url = f"{carillon.url}/api/jobs/upload-file/"
    return requests.post(url, files={"file": ("myfile.bin", content)}, data=fields, timeout=LONGEST)


def completed(carillon: Installation, job_id: str) -> None:
    until(lambda: carillon.get(f"/api/jobs/{job_id}")["status"] in ("completed", "failed"), "the upload")
    assert carillon.get(f"/api/jobs/{job_id}")["status"] == "completed"


def downloaded(carillon: Installation, job_id: str) -> bytes:
    link = carillon.get(f"/api/jobs/{job_id}/download-url/")["download_url"]
    return requests.get(link, timeout=LONGEST).content


def spooled(carillon: Installation) -> list[Path]:
    return [path for path in (carillon.log.parent / "data" / "spool").rglob("*") if path.is_file()]


def memory(carillon: Installation, kind: str) -> int:
    """Bytes of the server's memory: `VmRSS` now, `VmHWM` at its peak."""
    status = Path(f"/proc/{carillon.pids()['serve']}/status").read_text()
    found = re.search(rf"{kind}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def test_ten_megabytes_arrive_byte_for_byte_with_flat_memory(carillon: Installation) -> None:
    completed(carillon, upload(carillon, b"a first one, for what is loaded but once").json()["id"])
    content = os.urandom(LARGEST)
    Path(f"/proc/{carillon.pids()['serve']}/clear_refs").write_text("5")  # the peak counts from now on
    idle = memory(carillon, "VmRSS")
    job_id = upload(carillon, content).json()["id"]
    completed(carillon, job_id)
    assert memory(carillon, "VmHWM") - idle < MAX_MEMORY
    assert downloaded(carillon, job_id) == content
    until(lambda: not spooled(carillon), "the spool to be empty")


def test_a_byte_more_is_refused_and_nothing_is_kept(carillon: Installation) -> None:
    before = carillon.get("/api/jobs/stats")["total"]
    answer = upload(carillon, bytes(LARGEST + 1))
    assert answer.status_code == 413
    assert spooled(carillon) == []
    assert carillon.get("/api/jobs/stats")["total"] == before


def test_a_server_killed_with_the_file_in_its_spool_stores_it_when_it_is_back(carillon: Installation) -> None:
    content = os.urandom(LARGEST)
    job_id = upload(carillon, content).json()["id"]
    carillon.kill_and_wait("serve")
    until(carillon.is_ready, "the server to be back")
    completed(carillon, job_id)
    assert downloaded(carillon, job_id) == content
    until(lambda: not spooled(carillon), "the spool to be empty")


def test_an_upload_that_fails_for_good_leaves_an_empty_spool(tmp_path: Path, bucket: dict[str, str]) -> None:
    environment = {**QUICK, **bucket, "AWS_STORAGE_BUCKET_NAME": "no-such-bucket"}
    with Installation(tmp_path, {"serve": 1}, environment) as carillon:
        job_id = upload(carillon, b"x", max_retries=0).json()["id"]
        until(lambda: carillon.get(f"/api/jobs/{job_id}")["status"] == "failed", "the upload to fail")
        until(lambda: not spooled(carillon), "the spool to be empty")
