"""A whole Carillon for a test: the real processes, kept alive by the supervisor, talked to over HTTP."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import requests

from local import ports
from processes.supervisor import Backoff, Supervisor
from tests.ports import own_slice
from tests.waiting import LONGEST, until

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {"web": 1, "worker": 2, "coordinator": 1, "periodic": 1}
WITHOUT_BEATS = {"web": 1, "worker": 2, "coordinator": 1}  # the plan goes on by itself
GROUP = 20
# The web process died before the answer, or in its midst.
_mine = own_slice(12_000, 20_000)
# Not in order, and not by the lots that hypothesis draws anew: other runs of the tests may try the same ports.
_untried = itertools.cycle(random.SystemRandom().sample(_mine, len(_mine)))

NO_ANSWER = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
IMMEDIATE = {"type": "immediate"}


class Installation:
    """Processes of one kind of Carillon: `{"web": 1, "worker": 2}`, or `{"serve": 1}` for the embedded one.

    One process that serves no API, `{"worker": 1}`, is talked to at its health port. Processes that die are started
    again at once. Output goes to `carillon.log` in the folder. With `wait=False` the block begins before anything
    answers.
    """

    def __init__(
        self, folder: Path, processes: Mapping[str, int], environment: Mapping[str, str], *, wait: bool = True
    ) -> None:
        self.names = [name for kind, count in processes.items() for name in _names(kind, count)]
        self._wait = wait
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "carillon.log"
        self._log_begins_at = 0
        self._output = self.log.open("w")
        port = "PORT" if {"web", "serve"} & processes.keys() else "HEALTH_PORT"
        surroundings = {**os.environ, port: str(self.port), "DATA_DIR": str(folder / "data"), **environment}
        commands = {name: f"{sys.executable} {ROOT / 'cli.py'} {name}" for name in processes}
        self.supervisor = Supervisor(
            commands,
            surroundings,
            concurrency=processes,
            folder=ROOT,
            output=self._output,
            backoff=Backoff(first_seconds=0.1, longest_seconds=1),
        )
        self._local = threading.local()

    def __enter__(self) -> Self:
        self.supervisor.start()
        if self._wait:
            until(self.is_ready, f"{self.url}/readyz; see {self.log}")
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop()
        self._output.close()

    def is_ready(self) -> bool:
        """Whether requests are answered and the database is there."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=30).ok
        except requests.RequestException:
            return False

    def kill(self, name: str) -> int:
        """SIGKILL the process of this name (`worker`, or `worker.1` where there are several); its process id."""
        return self.signal(name, signal.SIGKILL)

    def kill_and_wait(self, name: str) -> float:
        """SIGKILL the process of this name; the monotonic instant at which it was gone."""
        pid = self.kill(name)
        until(lambda: self.supervisor.pid(name) != pid, f"{name} to die")
        return time.monotonic()

    def pids(self) -> dict[str, int | None]:
        """The process id behind each name, None for one that is dead at this moment."""
        return {name: self.supervisor.pid(name) for name in self.names}

    def logged(self, *parts: str) -> int:
        """How many lines of the log have all these parts; a process's line begins with its name."""
        lines = self.log.read_bytes()[self._log_begins_at :].decode().splitlines()
        return sum(all(part in line for part in parts) for line in lines)

    def turn_the_page(self) -> None:
        """Read the log from here on only."""
        self._log_begins_at = self.log.stat().st_size

    def killed(self, kind: str) -> int:
        """How many processes of a kind a SIGKILL has ended so far."""
        return self.logged("supervisor", f"| {kind}", "(SIGKILL)")

    def signal(self, name: str, number: signal.Signals) -> int:
        """Send a signal to the process of this name; its process id."""
        until(lambda: self.supervisor.pid(name), f"{name} to run")
        pid = self.supervisor.pid(name)
        assert pid is not None
        os.kill(pid, number)
        return pid

    def get(self, path: str) -> Any:
        """The JSON that a GET answers. Tries again on 503, as a careful application does."""
        answers: list[requests.Response] = []

        def answered() -> bool:
            answers.append(self.session.get(self.url + path, timeout=LONGEST))
            return answers[-1].status_code != 503

        until(answered, f"{path} to be answered")
        answers[-1].raise_for_status()
        return answers[-1].json()

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says, whether the process is ready or not."""
        return dict(self.session.get(f"{self.url}/readyz", timeout=LONGEST).json())

    def create(self, schedule: Mapping[str, Any], **fields: Any) -> str:
        """Create a job; its id. Tries again on 503 and while nobody listens, as a careful application does."""
        return str(self._accepted("/api/jobs/create", new_job(schedule, **fields))["id"])

    def create_each(self, count: int, schedule: Mapping[str, Any], *, at_once: int, **fields: Any) -> list[str]:
        """Create so many jobs, each by a request of its own, a few at a time; their ids."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda _: self.create(schedule, **fields), range(count)))

    def create_many(self, count: int, schedule: Mapping[str, Any], **fields: Any) -> list[str]:
        """Create so many jobs, a few in each request, four requests at a time; their ids."""
        return self.create_all([new_job(schedule, **fields)] * count)

    def create_all(self, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
        """Create these jobs, a few in each request, four requests at a time; their ids, in order."""
        groups = [{"jobs": jobs[first : first + GROUP]} for first in range(0, len(jobs), GROUP)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda body: self._accepted("/api/jobs/bulk", body), groups))
        return [str(one["id"]) for answer in answers for one in answer["results"]]

    def count(self, status: str) -> int:
        """How many jobs show this status, as the statistics have it: a list may count a minute late."""
        return int(self.get("/api/jobs/stats")[status])

    def runs(self, job_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The runs of each of these jobs, newest first."""
        found: dict[str, list[dict[str, Any]]] = {job_id: [] for job_id in job_ids}
        path: str | None = "/api/runs?limit=100"
        if len(found) == 1:
            path = f"/api/jobs/{job_ids[0]}/runs?limit=100"
        while path is not None:
            page = self.get(path)
            for run in page["results"]:
                if run["job_id"] in found:
                    found[run["job_id"]].append(run)
            path = page["next"]
        return found

    def attempts(self, run_id: str) -> list[dict[str, Any]]:
        """The attempts at a run, in order."""
        return list(self.get(f"/api/runs/{run_id}")["attempts"])

    def _accepted(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What is answered to a creation at last, once it is accepted."""
        answers: list[requests.Response] = []

        def accepted() -> bool:
            try:
                answers.append(self.session.post(self.url + path, json=body, timeout=LONGEST))
            except NO_ANSWER:
                return False
            assert answers[-1].status_code in {201, 503}, answers[-1].text
            return answers[-1].status_code == 201

        until(accepted, "jobs to be accepted")
        return dict(answers[-1].json())

    @property
    def session(self) -> requests.Session:
        """A connection of this thread's own, kept between requests."""
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        return session


def _names(kind: str, count: int) -> list[str]:
    return [kind] if count == 1 else [f"{kind}.{number}" for number in range(1, count + 1)]


def free_port() -> int:
    """A port that nobody listens on now, away from those that other test processes try, and another one each time."""
    return next(port for port in _untried if ports.is_free(port))


def new_job(schedule: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """What creates a job with this schedule."""
    common = {"app_name": "app_a", "user_id": "user1", "account_id": "acc1", "task_type": "greet"}
    return {**common, "schedule": schedule, **fields}
