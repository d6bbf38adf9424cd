"""Everything in one process: API, worker and coordinator, on SQLite and the in-process broker."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from actors.handlers.call import perform_call
from actors.main import RunWorker
from api.app import create_app
from processes import dashboard, welcome
from processes.composition import parts
from processes.serving.web_server import WebServer
from services.files import spool
from services.files.sweeping import Sweeper
from services.maintenance import rescues
from services.maintenance.coordinator import Coordinator
from services.runtime import faults
from services.runtime.troubles import Trouble
from services.secrets import key_file
from settings import ConfigurationError, Settings


def serve(settings: Settings, on_ready: Callable[[Settings], None]) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` is called with the settings in force once requests are answered.

    Raises `ConfigurationError` when another server uses the data folder.
    """
    folder = settings.database_folder
    named = f"DATA_DIR={folder}" if settings.database_url is None else f"The folder {folder} of DATABASE_URL"
    with _folder_of_our_own(folder, named):
        _serve(key_file.with_key(settings), on_ready)


class Parts(ExitStack):
    """Takes down what it holds once, in order: a second thread that asks for it waits until all is down."""

    def __init__(self) -> None:
        super().__init__()
        self._ending = threading.Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Take down what is left, last things first."""
        with self._ending:
            return bool(super().__exit__(kind, error, traceback))


def _serve(settings: Settings, on_ready: Callable[[Settings], None]) -> None:
    faults.arm(settings.fault_points)
    with Parts() as running:
        base = running.enter_context(parts(settings, "embedded", perform_call))
        rescues.rescue_all(base.system)  # the folder is locked by us, so the process that ran them is dead
        worker = RunWorker(base.system, base.broker, base.stopping)
        base.metrics.watch_pool("runs", settings.worker_threads, worker.under_way)
        coordinator = Coordinator(base.system, base.broker)

        def troubles() -> list[Trouble]:
            return [*coordinator.troubles(), *base.troubles(), *spool.troubles(settings)]

        def ready() -> None:
            on_ready(settings)
            welcome.greet(base.system)

        api = create_app(base.system, lambda: True, base.stopping, troubles, base.metrics)
        app = dashboard.add_to(api, base.system, troubles=troubles)
        drain = running.close  # called while requests are still answered
        web = WebServer(app, settings, stopping=base.stopping, drain=drain, on_ready=ready, hurry=worker.hurry)
        _start(running, worker, coordinator, Sweeper(base.system))
        web.serve_until_stopped()


def _start(running: ExitStack, worker: RunWorker, coordinator: Coordinator, sweeper: Sweeper) -> None:
    """Start what works beside the web server. The worker ends first, while the coordinator still makes runs due.

    Each is ended only if it was started: what was not cannot be waited for.
    """
    sweeper.start()
    running.callback(sweeper.stop)
    coordinator.start()
    running.callback(coordinator.stop)
    worker.start()
    running.callback(worker.stop)
    running.callback(worker.finish)


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
