"""Several API processes, as behind a load balancer: whichever is asked, the answer is the same."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from processes import programs
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation, new_job
from tests.servers import new_database, virtual_host
from tests.waiting import LONGEST, until

PAIRS = 50
TOMORROW = {"type": "delay_from_now", "duration_seconds": 86_400}


pytestmark = pytest.mark.xdist_group("several_webs")


@pytest.fixture(scope="module")
def webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Installation]]:
    """Two web processes over the same servers, for all the tests: each asks for what is its own."""
    with ExitStack() as stack:
        urls = {
            "DATABASE_URL": stack.enter_context(new_database(f"carillon_webs_{uuid4().hex[:12]}")),
            "RABBITMQ_URL": stack.enter_context(virtual_host()),
            "CALLBACK_BASE_URL": "http://127.0.0.1:9",
        }
        folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
        first, second = (stack.enter_context(Installation(one, {"web": 1}, {**QUICK, **urls})) for one in folders)
        yield first, second


def create(web: Installation, key: str) -> str:
    headers = {"Idempotency-Key": key}
    answer = requests.post(
        f"{web.url}/api/jobs/create", json=new_job(TOMORROW, account_id="pairs"), headers=headers, timeout=LONGEST
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_what_one_was_told_the_other_knows(webs: tuple[Installation, Installation]) -> None:
    first, second = webs
    job_id = first.create(TOMORROW)
    assert second.get(f"/api/jobs/{job_id}") == first.get(f"/api/jobs/{job_id}")
    requests.post(f"{second.url}/api/jobs/{job_id}/cancel", timeout=LONGEST).raise_for_status()
    assert first.get(f"/api/jobs/{job_id}/status")["status"] == "cancelled"


def test_one_request_that_reaches_both_makes_one_job(webs: tuple[Installation, Installation]) -> None:
    with ThreadPoolExecutor(8) as pool:
        pairs = [[pool.submit(create, web, f"key-{number}") for web in webs] for number in range(PAIRS)]
        made = [{answer.result() for answer in pair} for pair in pairs]
    assert all(len(of_pair) == 1 for of_pair in made)
    assert len(set.union(*made)) == PAIRS
    assert webs[1].get("/api/jobs/stats?account_id=pairs")["total"] == PAIRS


def test_a_list_that_one_begins_the_other_continues(webs: tuple[Installation, Installation]) -> None:
    first, second = webs
    job_ids = first.create_many(30, TOMORROW, account_id="listed")
    page = first.get("/api/jobs?limit=20&account_id=listed")
    rest = second.get(page["next"])
    assert {one["id"] for one in [*page["results"], *rest["results"]]} == set(job_ids)


def test_who_logs_in_at_one_is_known_to_the_other_and_out_of_both_at_once(
    webs: tuple[Installation, Installation],
) -> None:
    first, second = webs
    ada = {"username": "ada", "password": "a long secret word", "email": "ada@example.com"}
    requests.post(f"{first.url}/api/register/", json=ada, timeout=LONGEST).raise_for_status()
    token = requests.post(f"{second.url}/api/login/", json=ada, timeout=LONGEST).json()["token"]
    shown = {"Authorization": f"Token {token}"}
    assert requests.get(f"{first.url}/api/tasks/", headers=shown, timeout=LONGEST).status_code == 200
    requests.post(f"{first.url}/api/logout", headers=shown, timeout=LONGEST).raise_for_status()
    assert requests.get(f"{second.url}/api/tasks/", headers=shown, timeout=LONGEST).status_code == 401


def test_of_several_on_one_port_one_that_dies_is_replaced_and_no_request_is_refused(
    tmp_path: Path, postgresql: str, rabbitmq_url: str
) -> None:
    urls = {"DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url, "CALLBACK_BASE_URL": "http://127.0.0.1:9"}
    with Installation(tmp_path, {"web": 1}, {**QUICK, **urls, "WEB_CONCURRENCY": "2"}) as carillon:
        parent = carillon.pids()["web"]
        assert parent is not None
        until(lambda: len(programs.descendants(parent)) == 2, "both processes")
        first, second = before = programs.descendants(parent)
        os.kill(first, signal.SIGKILL)
        until(lambda: first not in programs.descendants(parent), "the first to be gone")
        statuses = {requests.get(f"{carillon.url}/healthz", timeout=LONGEST).status_code for _ in range(20)}
        assert statuses == {200}
        until(lambda: len(programs.descendants(parent)) == 2, "another in its place")
        assert second in programs.descendants(parent)
        assert first not in programs.descendants(parent)
    assert carillon.logged("supervisor", "web stopped (status 0)") == 1
    assert not programs.descendants(parent), f"of {before} none is left"
