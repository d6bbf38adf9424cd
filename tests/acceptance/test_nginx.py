"""Behind Debian's nginx, with the configuration that we hand out, nothing is lost, kept back or believed wrongly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from requests.adapters import HTTPAdapter
from websockets.sync.client import connect

from tests.acceptance.conftest import QUICK
from tests.acceptance.examples_of_live import next_data
from tests.acceptance.installation import Installation, new_job
from tests.acceptance.nginx import Nginx, Passed
from tests.acceptance.process import Process
from tests.servers import new_database, virtual_host
from tests.waiting import LONGEST, until

SECRET = {"X-Internal-Secret": "a-secret-of-this-test"}
ENVIRONMENT = {**QUICK, "INTERNAL_SECRET": SECRET["X-Internal-Secret"], "CALLBACK_BASE_URL": "http://127.0.0.1:9"}
ELSEWHERE = "203.0.113.9"
ASKING_AT_ONCE = 3
LATER = {"type": "delay_from_now", "duration_seconds": 3_600}
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("nginx")]


@dataclass
class Webs:
    """Two web processes on the same servers, to which nginx comes from an address that they believe."""

    first: Installation
    second: Installation
    environment: dict[str, str]
    proxy: str = "127.0.0.9"
    proxies: str = "127.0.0.8/30"


@dataclass
class Front:
    """nginx, one server behind it that can also be asked directly, and whose `X-Forwarded-For` that server believes."""

    nginx: Nginx
    server: Installation
    client: str  # an address from which a client comes to nginx
    seen: str  # what is recorded of that client, whatever it claims
    unbelieved: str  # an address that is no proxy's


class From(HTTPAdapter):
    """Connects from this address of the machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *arguments: object, **options: object) -> None:
        super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webs]:
    with ExitStack() as stack:
        environment = {
            **ENVIRONMENT,
            "DATABASE_URL": stack.enter_context(new_database(f"carillon_nginx_{uuid4().hex[:12]}")),
            "RABBITMQ_URL": stack.enter_context(virtual_host()),
            "FORWARDED_ALLOW_IPS": Webs.proxies,
        }
        folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
        first, second = (stack.enter_context(Installation(one, {"web": 1}, environment)) for one in folders)
        yield Webs(first, second, environment)


@pytest.fixture(scope="module", params=["serve", "web"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """Before the embedded server, with the proxies that are believed by default; and before two web processes."""
    folder = tmp_path_factory.mktemp("nginx")
    if request.param == "web":
        webs: Webs = request.getfixturevalue("webs")
        with Nginx(folder, [webs.first.port, webs.second.port], address=webs.proxy) as nginx:
            yield Front(nginx, webs.first, client="127.0.0.5", seen="127.0.0.5", unbelieved="127.0.0.1")
        return
    with (
        Installation(tmp_path_factory.mktemp("carillon"), {"serve": 1}, ENVIRONMENT) as carillon,
        Nginx(folder, [carillon.port]) as nginx,
    ):
        # A client on the proxy's own host is a proxy, too: what it says of its own client is believed.
        yield Front(nginx, carillon, client="127.0.0.1", seen=ELSEWHERE, unbelieved="127.0.0.2")


def test_events_come_as_they_happen_by_both_ways(front: Front) -> None:
    url = front.nginx.url
    requests.put(f"{url}/api/apps/app_a", json={}, headers=SECRET, timeout=LONGEST).raise_for_status()
    with (
        requests.get(f"{url}/api/events", headers=SECRET, stream=True, timeout=LONGEST) as stream,
        connect(f"{url.replace('http', 'ws')}/ws/jobs/status/", additional_headers=SECRET, open_timeout=LONGEST) as way,
    ):
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines).startswith(":")
        created = requests.post(f"{url}/api/jobs/create", json=new_job(LATER), headers=SECRET, timeout=LONGEST)
        assert created.status_code == 201, created.text
        made = created.json()["id"]
        assert next_data(lines)["job"]["id"] == made
        assert json.loads(way.recv(LONGEST))["id"] == made


def test_the_largest_upload_passes_and_a_larger_one_is_refused_in_our_words(front: Front) -> None:
    largest = 10 * 1024 * 1024
    for size, status in ((largest, 201), (largest + 1, 413)):
        answer = requests.post(
            f"{front.nginx.url}/api/jobs/upload-file/",
            files={"file": ("a.bin", bytes(size))},
            headers=SECRET,
            timeout=LONGEST,
        )
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"].startswith("application/"), "ours, not a page of nginx's"


def test_where_a_request_came_from_is_believed_of_the_proxy_alone(front: Front) -> None:
    assert recorded(front.nginx.url, front.client, front.server, "behind") == front.seen
    assert recorded(front.server.url, front.unbelieved, front.server, "direct") == front.unbelieved


def recorded(url: str, client: str, server: Installation, app: str) -> str:
    """The address that the audit log has for pausing this app, asked there by a client that claims another."""
    requests.put(f"{server.url}/api/apps/{app}", json={}, headers=SECRET, timeout=LONGEST).raise_for_status()
    with requests.Session() as asking:
        asking.mount("http://", From(client))
        claimed = {**SECRET, "X-Forwarded-For": ELSEWHERE}
        asking.post(f"{url}/api/apps/{app}/pause", headers=claimed, timeout=LONGEST).raise_for_status()
    entries: list[dict[str, str]] = []

    def is_there() -> bool:
        path = f"{server.url}/api/audit?app_name={app}"
        found = requests.get(path, headers=SECRET, timeout=LONGEST).json()["results"]
        entries[:] = [entry for entry in found if "pause" in entry["action"]]
        return bool(entries)

    until(is_there, "the entry")
    return entries[0]["address"]


def test_connections_to_the_servers_are_kept_from_one_request_to_the_next(front: Front) -> None:
    def ask() -> None:
        requests.get(f"{front.nginx.url}/healthz", timeout=LONGEST).raise_for_status()

    for _ in range(4):  # each server in turn
        ask()
    kept = front.nginx.connections()
    for _ in range(10):
        ask()
    left = front.nginx.connections()
    assert left
    assert left <= kept, "requests came on new connections"


def test_of_two_web_processes_one_is_stopped_and_no_read_fails(webs: Webs, tmp_path: Path) -> None:
    """The other is asked where a kept connection has been closed, and where nobody listens any more."""
    its_own = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(tmp_path / "data")}
    stopped = Process("web", {**webs.environment, **its_own}, tmp_path / "web.log")
    try:
        with Nginx(tmp_path, [stopped.port, webs.first.port], address=webs.proxy) as nginx, reads(nginx):
            until(lambda: asked(nginx, stopped.port), "a read that it answers")
            stopped.terminate()
            assert stopped.exit_status() == 0
            until(lambda: asked(nginx, stopped.port, webs.first.port), "a read that the other answers in its place")
        all_well(nginx)
    finally:
        stopped.kill()


@contextmanager
def reads(nginx: Nginx) -> Iterator[None]:
    """Read through nginx all the time, over a few connections; each read must be answered well."""
    enough = threading.Event()

    def read() -> None:
        with requests.Session() as session:
            while not enough.is_set():
                session.get(f"{nginx.url}/api/jobs?limit=1", headers=SECRET, timeout=LONGEST).raise_for_status()

    with ThreadPoolExecutor(ASKING_AT_ONCE) as pool:
        reading = [pool.submit(read) for _ in range(ASKING_AT_ONCE)]
        try:
            yield
        finally:
            enough.set()
        for one in reading:
            one.result()


def asked(nginx: Nginx, *ports: int) -> bool:
    """Whether a request was passed on to these ports, one after the other. No request may have failed."""
    return any(one.ports == ports for one in all_well(nginx))


def all_well(nginx: Nginx) -> list[Passed]:
    passed = nginx.passed()
    assert {one.status for one in passed} == {200}
    return passed
