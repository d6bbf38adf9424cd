"""Uploads as a caller sends them, and as a worker does them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from urllib3 import encode_multipart_formdata

from actors.handlers import upload as handler
from services.execution import claiming, workers
from services.execution.work import Result, Succeeded, Work
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, record
from tests.integration.api.client import Client

PATH = "/api/jobs/upload-file/"
LARGE = bytes(range(256)) * 25_000  # more than one part


def form(content: bytes = b"hello", name: str = "myfile.txt", **texts: str) -> dict[str, Any]:
    """A form as `requests` would send it."""
    return raw_form([("file", (name, content)), *texts.items()])


def raw_form(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    body, content_type = encode_multipart_formdata(fields)
    return {"body": body, "headers": {"Content-Type": content_type}}


def upload(client: Client, content: bytes = b"hello", name: str = "myfile.txt", **texts: str) -> dict[str, Any]:
    """The job of a new upload."""
    result = client.simulate_post(PATH, **form(content, name, **texts))
    assert result.status_code == 201, result.text
    job: dict[str, Any] = result.json
    return job


def claimed(system: GivenSystem) -> Work:
    worker = workers.register(system)
    [work] = claiming.claim(system, worker, brokers.RUNS_UPLOAD, 1)
    return work


def perform(system: GivenSystem, scope: AbortScope | None = None) -> Result:
    """Perform the next upload and record its result. Returns the result."""
    work = claimed(system)
    result = handler.perform(system, work, scope or AbortScope())
    record(system, work, result)
    return result


def stored(system: GivenSystem) -> dict[str, Any]:
    """Perform the next upload, which succeeds. Returns the result as stored."""
    result = perform(system)
    assert isinstance(result, Succeeded), result
    return dict(result.result)


def spooled(system: GivenSystem) -> list[Path]:
    """What is in the spool."""
    folder = system.settings.data_dir / "spool"
    return sorted(path for path in folder.rglob("*") if path.is_file())


def kept(system: GivenSystem) -> list[Path]:
    """What is in the folder of files."""
    return sorted(path for path in (system.settings.data_dir / "files").rglob("*") if path.is_file())


def saved_as(disposition: str) -> str:
    """The name under which clients of RFC 6266 save a file."""
    assert re.fullmatch(
        r"""attachment; filename="[^"%\\]*"; filename\*=UTF-8''[A-Za-z0-9!#$&+.^_`|~%-]+""", disposition
    )
    assert disposition.isascii()
    return unquote(disposition.partition("filename*=UTF-8''")[2])
