"""The autoscaler: adds and removes worker processes by the length of the queues.

It also adds as many as runs need: those under way, those that wait, and in advance those of the coming minutes.
"""

from __future__ import annotations

import itertools
import shlex
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TextIO
from urllib.parse import quote, unquote, urlsplit

import requests

from core import urls
from core.autoscaling import NO_LOAD, Load, change, workers_for
from models import database
from processes.composition import observed
from processes.needed_threads import NeededThreads
from processes.serving.health import endpoint
from processes.signals import StopSignals
from processes.supervisor import Supervisor
from services.messaging import broker as brokers
from services.reading.upcoming.thread_demand import ComingThreads
from services.runtime import logs
from services.runtime.clock import DatabaseClock
from services.runtime.troubles import Trouble, Troubles
from settings import Settings

LOOK_EVERY_SECONDS = 10.0
_MORE_GRACE_SECONDS = 10.0
_TIMEOUT_SECONDS = 5
_NOT_FOUND = 404
_NOTICED_BY = "queues"
_NO_LENGTHS = Trouble(
    "management",
    "RabbitMQ's management API does not return the length of the queues.",
    "Enable RabbitMQ's plugin rabbitmq_management, or correct RABBITMQ_MANAGEMENT_URL.",
)


def run(settings: Settings, environment: Mapping[str, str], folder: Path, *, dry_run: bool) -> None:
    """Keep as many workers as the queues need until SIGTERM or SIGINT; a dry run only prints what it would do."""
    queues = Queues(settings.rabbitmq_url or "", settings.management_url, brokers.RUNS)
    grace = settings.shutdown_grace_seconds + _MORE_GRACE_SECONDS
    workers: Workers = ImaginedWorkers() if dry_run else WorkerProcesses(folder, environment, grace)
    stopping = threading.Event()
    stop = StopSignals(stopping, workers.hurry)
    logs.configure(settings.log_level)
    troubles = Troubles()
    needed = NeededThreads(_coming_threads(settings), troubles)
    say = printer(sys.stdout, dry_run=dry_run)
    autoscaler = Autoscaler(queues.load, workers, say, needed.latest, settings.worker_threads, troubles)
    looking = threading.Thread(target=autoscaler.run, args=(stopping,), name="autoscale")
    with _health(settings, stopping, troubles, dry_run=dry_run):
        needed.start(stopping)
        looking.start()
        stop.wait()
        looking.join()


def _coming_threads(settings: Settings) -> Callable[[], Mapping[str, float]]:
    """Returns a function that reads from the database how many threads each queue will need."""
    database.connect(settings.database, "autoscale")
    clock = DatabaseClock()
    coming = ComingThreads(clock, settings.max_concurrent_runs)

    def by_queue() -> Mapping[str, float]:
        clock.follow()
        return coming.by_queue()

    return by_queue


def _health(
    settings: Settings, stopping: threading.Event, troubles: Troubles, *, dry_run: bool
) -> AbstractContextManager[None]:
    """Answer health checks and Prometheus; not in a dry run, beside which a real one may have the port."""
    if dry_run:
        return nullcontext()
    return endpoint(settings, stopping, troubles.present, observed(), uses_broker=False)


class QueuesUnknown(Exception):  # noqa: N818  says what is the matter
    """RabbitMQ's management API did not return the length of the queues."""


class Queues:
    """The queues of one virtual host, read through RabbitMQ's management API."""

    def __init__(self, rabbitmq_url: str, management_url: str, names: Sequence[str]) -> None:
        parts = urlsplit(management_url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        self._base = f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}/api/queues/{_vhost(rabbitmq_url)}"
        self._user = (unquote(parts.username or "guest"), unquote(parts.password or "guest"))
        self._names = names

    def load(self) -> Load:
        """Returns the load of all queues together; a missing queue is empty. Raises `QueuesUnknown`."""
        return sum((self._of(name) for name in self._names), NO_LOAD)

    def _of(self, name: str) -> Load:
        try:
            answer = requests.get(f"{self._base}/{name}", auth=self._user, timeout=_TIMEOUT_SECONDS)
            if answer.status_code == _NOT_FOUND:
                return NO_LOAD
            answer.raise_for_status()
            told = answer.json()
            return Load(int(told.get("messages_ready", 0)), int(told.get("messages_unacknowledged", 0)))
        except requests.HTTPError as error:
            raise QueuesUnknown(f"it answered {error.response.status_code} for the queue {name}") from None
        except (requests.RequestException, ValueError, TypeError, AttributeError) as error:
            raise QueuesUnknown(f"{type(error).__name__} when asked for the queue {name}") from None


class Workers(Protocol):
    """Processes that can be added and removed one by one."""

    @property
    def count(self) -> int:
        """Returns how many there are."""
        ...

    def add(self) -> None:
        """Start one more."""
        ...

    def remove(self) -> None:
        """Stop the one that was started last."""
        ...

    def hurry(self) -> None:
        """Tell all that are left to hand back their runs at once."""
        ...

    def stop(self) -> None:
        """Stop all."""
        ...


class WorkerProcesses:
    """Real worker processes, each restarted when it dies; one that is removed finishes its runs first."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        grace_seconds: float,
        *,
        output: TextIO | None = None,
    ) -> None:
        self._folder = folder
        self._environment = {name: value for name, value in environment.items() if name != "HEALTH_PORT"}
        self._grace_seconds, self._output = grace_seconds, output
        self._numbers = itertools.count(1)  # so that no worker has the name of one that is still ending
        self._running: list[Supervisor] = []
        self._leaving: list[tuple[Supervisor, threading.Thread]] = []

    @property
    def count(self) -> int:
        return len(self._running)

    def add(self) -> None:
        name = f"worker.{next(self._numbers)}"
        command = shlex.join([sys.executable, str(self._folder / "cli.py"), "worker"])
        supervisor = Supervisor({name: command}, self._environment, folder=self._folder, output=self._output)
        supervisor.start()
        self._running.append(supervisor)

    def remove(self) -> None:
        supervisor = self._running[-1]
        stopping = threading.Thread(target=supervisor.stop, args=(self._grace_seconds,), daemon=True)
        stopping.start()
        # Added before it is taken from the running ones, so that `hurry` misses none.
        self._leaving = [one for one in self._leaving if one[1].is_alive()] + [(supervisor, stopping)]
        self._running.pop()

    def hurry(self) -> None:
        for supervisor in {*self._running, *(supervisor for supervisor, _ in self._leaving)}:
            supervisor.ask_to_end()

    def stop(self) -> None:
        while self._running:
            self.remove()
        for _, stopping in self._leaving:
            stopping.join()


class ImaginedWorkers:
    """The workers of a dry run: counted, never started."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1

    def remove(self) -> None:
        self.count -= 1

    def hurry(self) -> None:
        """Do nothing: no process runs."""

    def stop(self) -> None:
        """Do nothing: no process runs."""


@dataclass(frozen=True)
class Autoscaler:
    """Looks every ten seconds: adds or removes one worker by the load, and adds all that runs need."""

    load: Callable[[], Load]
    workers: Workers
    say: Callable[[str], None]
    needed_threads: Callable[[], float | None] = lambda: None  # now and in the coming minutes; None if unknown
    threads_each: int = 1
    troubles: Troubles = field(default_factory=Troubles)

    def run(self, stopping: threading.Event, every_seconds: float = LOOK_EVERY_SECONDS) -> None:
        """Look again and again until the event is set, whatever fails meanwhile; then stop the workers."""
        try:
            while not stopping.is_set():
                try:
                    self.look()
                except Exception as error:  # noqa: BLE001  for example no thread can be started: retried at the next look
                    self.say(f"the workers stay {self.workers.count}: {error}")
                stopping.wait(every_seconds)
        finally:
            self.workers.stop()

    def look(self) -> None:
        """Look once. If the queues cannot be read, the workers stay as many as they are, at least one."""
        load = self._known_load()
        threads = self.needed_threads() or 0.0
        by = change(load, self.workers.count, workers_for(threads, self.threads_each))
        if by == 0:
            return
        for _ in range(abs(by)):
            if by > 0:
                self.workers.add()
            else:
                self.workers.remove()
        self.say(f"{_found(load, threads)}: {_done(by)}, {self.workers.count} in all")

    def _known_load(self) -> Load | None:
        try:
            load = self.load()
        except QueuesUnknown as error:
            self.say(f"RabbitMQ's management API does not return the length of the queues: {error}")
            self.troubles.begin(_NOTICED_BY, _NO_LENGTHS)
            return None
        self.troubles.end(_NOTICED_BY)
        return load


def _found(load: Load | None, threads: float) -> str:
    found = "queues unknown" if load is None else f"{load.ready} waiting, {load.taken} taken"
    return f"{found}, {threads:.1f} threads needed" if threads else found


def _done(by: int) -> str:
    word = "adding" if by > 0 else "removing"
    return f"{word} a worker" if abs(by) == 1 else f"{word} {abs(by)} workers"


def printer(output: TextIO, *, dry_run: bool) -> Callable[[str], None]:
    """Returns a function that prints a line, marked as a dry run if it is one."""

    def say(text: str) -> None:
        output.write(f"autoscale{' (dry run)' if dry_run else ''} | {text}\n")
        output.flush()

    return say


def _vhost(rabbitmq_url: str) -> str:
    """Returns the virtual host of an AMQP URL, quoted for the management API's paths."""
    path = urlsplit(urls.separated(rabbitmq_url)[0]).path
    return quote(unquote(path[1:]) if len(path) > 1 else "/", safe="")
