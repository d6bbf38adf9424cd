"""Behind Debian's nginx, with the configuration that we hand out, nothing is lost, kept back or believed wrongly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from websockets.sync.client import connect

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation, new_job
from tests.acceptance.nginx import Nginx
from tests.acceptance.test_live import told
from tests.waiting import LONGEST, until

SECRET = {"X-Internal-Secret": "a-secret-of-this-test"}
ELSEWHERE = "203.0.113.9"
NO_PROXY = "127.0.0.2"
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("nginx")]


class From(HTTPAdapter):
    """Connects from this address of the machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def carillon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    environment = {**QUICK, "INTERNAL_SECRET": SECRET["X-Internal-Secret"], "CALLBACK_BASE_URL": "http://127.0.0.1:9"}
    with Installation(tmp_path_factory.mktemp("carillon"), {"serve": 1}, environment) as carillon:
        yield carillon


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, carillon: Installation) -> Iterator[Nginx]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    with Nginx(folder, carillon.port) as nginx:
        yield nginx


def test_events_come_as_they_happen_by_both_ways(nginx: Nginx) -> None:
    requests.put(f"{nginx.url}/api/apps/app_a", json={}, headers=SECRET, timeout=LONGEST).raise_for_status()
    with (
        requests.get(f"{nginx.url}/api/events", headers=SECRET, stream=True, timeout=LONGEST) as stream,
        connect(
            f"{nginx.url.replace('http', 'ws')}/ws/jobs/status/", additional_headers=SECRET, open_timeout=LONGEST
        ) as channel,
    ):
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines).startswith(":")
        later = new_job({"type": "delay_from_now", "duration_seconds": 3_600})
        created = requests.post(f"{nginx.url}/api/jobs/create", json=later, headers=SECRET, timeout=LONGEST)
        assert created.status_code == 201, created.text
        made = created.json()["id"]
        assert told(lines)["job"]["id"] == made
        assert json.loads(channel.recv(LONGEST))["id"] == made


def test_the_largest_upload_passes_and_a_larger_one_is_refused_in_our_words(nginx: Nginx) -> None:
    largest = 10 * 1024 * 1024
    for size, status in ((largest, 201), (largest + 1, 413)):
        answer = requests.post(
            f"{nginx.url}/api/jobs/upload-file/",
            files={"file": ("a.bin", bytes(size))},
            headers=SECRET,
            timeout=LONGEST,
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"].startswith("application/"), "ours, not a page of nginx's"


def test_where_a_request_came_from_is_believed_of_the_proxy_alone(nginx: Nginx, carillon: Installation) -> None:
    claimed = {**SECRET, "X-Forwarded-For": ELSEWHERE}
    assert recorded(f"{nginx.url}/api/apps/behind/pause", claimed, carillon, "behind") == ELSEWHERE
    with requests.Session() as directly:
        directly.mount("http://", From(NO_PROXY))
        assert recorded(f"{carillon.url}/api/apps/direct/pause", claimed, carillon, "direct", directly) == NO_PROXY


def recorded(
    url: str, headers: dict[str, str], carillon: Installation, app: str, session: requests.Session | None = None
) -> str:
    """The address that the audit log has for pausing this app."""
    asking = session or requests.Session()
    requests.put(f"{carillon.url}/api/apps/{app}", json={}, headers=SECRET, timeout=LONGEST).raise_for_status()
    asking.post(url, headers=headers, timeout=LONGEST).raise_for_status()
    path = f"{carillon.url}/api/audit?app_name={app}"
    entries: list[dict[str, str]] = []

    def is_there() -> bool:
        found = requests.get(path, headers=SECRET, timeout=LONGEST).json()["results"]
        entries[:] = [entry for entry in found if "pause" in entry["action"]]
        return bool(entries)

    until(is_there, "the entry")
    return entries[0]["address"]
