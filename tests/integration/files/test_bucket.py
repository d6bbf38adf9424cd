"""Files that are stored in a bucket."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from actors.handlers import upload as handler
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from services.execution.work import Failed
from services.files import objects
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, served
from tests.integration.files.uploading import LARGE, claimed, kept, perform, saved_as, spooled, stored, upload
from tests.ports import closed_port
from tests.waiting import LONGEST


@pytest.fixture
def in_bucket(sqlite: str, tmp_path: Path, bucket: dict[str, Any]) -> GivenSystem:
    return given_system(data_dir=tmp_path / "data", **bucket)


@pytest.mark.parametrize("content", [b"", b"hello", LARGE], ids=["empty", "small", "large"])
def test_a_bucket_gets_the_file_and_the_link_leads_there(in_bucket: GivenSystem, content: bytes) -> None:
    client = Client(served(in_bucket))
    job = upload(client, content, name="отчёт b.txt")
    result = stored(in_bucket)
    settings = in_bucket.settings
    assert result["file_url"].startswith(f"{settings.aws_endpoint_url}/{settings.aws_storage_bucket_name}/default/")
    link = client.simulate_get(f"/api/jobs/{job['id']}/download-url").json["download_url"]
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["3600"]
    answer = requests.get(link, timeout=LONGEST)
    assert answer.content == content
    assert saved_as(answer.headers["Content-Disposition"]) == "отчёт b.txt"
    assert spooled(in_bucket) == kept(in_bucket) == []


def test_a_bucket_that_is_not_there_fails_for_good_without_telling_the_secret(in_bucket: GivenSystem) -> None:
    system = given_system(**{**in_bucket.settings.__dict__, "aws_storage_bucket_name": "no-such-bucket"})
    upload(Client(served(system)))
    result = perform(system)
    assert isinstance(result, Failed)
    assert isinstance(result.error, PermanentFailure)
    assert "no-such-bucket" in result.error.message
    assert "hunter2" not in result.error.message
    assert "\n" not in result.error.message


def test_a_server_that_is_away_is_worth_another_try_and_the_file_stays(in_bucket: GivenSystem) -> None:
    with closed_port() as port:
        system = given_system(**{**in_bucket.settings.__dict__, "aws_endpoint_url": f"http://127.0.0.1:{port}"})
        upload(Client(served(system)))
        result = perform(system)
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert len(spooled(system)) == 1


def test_an_abort_ends_an_upload_to_a_server_that_does_not_answer(in_bucket: GivenSystem) -> None:
    scope = AbortScope()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        system = given_system(**{**in_bucket.settings.__dict__, "aws_endpoint_url": url})
        upload(Client(served(system)))

        def cancel_once_connected() -> None:
            with silent.accept()[0]:
                scope.abort(AbortReason.CANCELLED)

        thread = threading.Thread(target=cancel_once_connected)
        thread.start()
        with pytest.raises(Aborted):
            handler.perform(system, claimed(system), scope)
        thread.join()
    assert len(spooled(system)) == 1


def test_a_bucket_of_amazons_has_amazons_address() -> None:
    settings = given_system(aws_storage_bucket_name="b", aws_region="eu-central-1").settings
    assert objects.file_url(settings, "a/b c") == "https://b.s3.eu-central-1.amazonaws.com/a/b%20c"
    link = objects.signed_url(
        given_system(
            aws_storage_bucket_name="b",
            aws_region="eu-central-1",
            aws_access_key_id="k",
            aws_secret_access_key="s",  # noqa: S106
        ).settings,
        "a/b",
        timedelta(hours=1),
    )
    assert link is not None
    assert "eu-central-1" in link
