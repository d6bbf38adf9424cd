"""Everything in one process: API, worker and coordinator, on SQLite and the in-process broker."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from actors.handlers.call import perform_call
from actors.main import RunWorker
from api.app import create_app
from core.processes import ProcessKind
from migrations import runner
from models import database
from processes import dashboard, tracing, welcome
from processes.composition import observed
from processes.serving.web_server import WebServer
from services.files import spool
from services.files.sweeping import Sweeper
from services.maintenance import rescues
from services.maintenance.coordinator import Coordinator
from services.maintenance.presence import Presence
from services.messaging import broker
from services.messaging.doorbell import BrokerDoorbell
from services.restoring.guard import Guard
from services.runtime import database_troubles, faults
from services.runtime.clock import DatabaseClock
from services.runtime.troubles import Trouble
from services.secrets import key_file
from services.system import System
from settings import ConfigurationError, Settings


def serve(settings: Settings, on_ready: Callable[[Settings], None]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is called with the settings in force once requests are answered.

    Raises `ConfigurationError` when another server uses the data folder.
    """
    folder = settings.database_folder
    named = f"DATA_DIR={folder}" if settings.database_url is None else f"The folder {folder} of DATABASE_URL"
    with _folder_of_our_own(folder, named):
        _serve(key_file.with_key(settings), on_ready)


def _serve(settings: Settings, on_ready: Callable[[Settings], None]) -> None:
    faults.arm(settings.fault_points)
    database.connect(settings.database, "embedded")
    runner.upgrade()
    carrier = broker.InProcessBroker()
    clock = DatabaseClock()
    clock.keep_following(settings.heartbeat_seconds)
    doorbell = BrokerDoorbell(carrier, clock)
    metrics = observed(doorbell)
    tracer = tracing.tracer(settings, "embedded")
    system = System(settings, clock, doorbell, perform_call, tracer)
    guard = Guard(system)
    guard.start()  # first: the next steps must not treat a database that was taken back as the latest
    rescues.rescue_all(system)  # the folder is locked by us, so the process that ran them is dead
    stopping = threading.Event()
    worker = RunWorker(system, carrier, stopping)
    metrics.watch_pool("runs", settings.worker_threads, worker.under_way)
    coordinator = Coordinator(system, carrier)
    sweeper = Sweeper(system)
    presence = Presence(system, ProcessKind.EMBEDDED)

    def drain() -> None:
        worker.finish()
        worker.stop()
        coordinator.stop()
        sweeper.stop()
        presence.stop()
        guard.stop()
        doorbell.close(timeout_seconds=1)
        tracing.stop(tracer)

    def troubles() -> list[Trouble]:
        of_database = (*database_troubles.troubles.present(), *guard.troubles())
        return [*coordinator.troubles(), *of_database, *spool.troubles(settings), *tracing.troubles(tracer)]

    api = create_app(system, lambda: True, stopping, troubles, metrics)
    app = dashboard.add_to(api, system, troubles=troubles)

    def ready() -> None:
        on_ready(settings)
        welcome.greet(system)

    web = WebServer(app, settings, stopping=stopping, drain=drain, on_ready=ready, hurry=worker.hurry)
    doorbell.start()
    worker.start()
    coordinator.start()
    sweeper.start()
    presence.start()
    web.serve_until_stopped()


@contextmanager
def _folder_of_our_own(folder: Path, named: str) -> Iterator[None]:
    """Lock the data folder: two servers on one SQLite file would each consider the other's runs lost."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.umask(0o077)  # no other user of this machine may read the applications' data
        lock = (folder / "carillon.lock").open("w")
    except OSError as error:
        raise ConfigurationError(
            f"{named} cannot be used: {error.strerror}; name a folder that this user may write to."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"{named} is in use by another Carillon; stop that one or name another folder."
            ) from None
        yield
