"""The services mode on one machine: the Procfile's processes on the servers named, or on private ones."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from local import foreground, ports
from local.receiver import Receiver
from local.servers import private_servers
from processes.programs import ProgramError
from processes.supervisor import Supervisor
from services.secrets import key_file
from settings import ConfigurationError, Settings

VHOST = "carillon"
_READY_WITHIN_SECONDS = 300  # a beat comes only at a full minute, and a machine may be slow
_MORE_GRACE_SECONDS = 10
_LOOK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True)
class Stack:
    """The running processes."""

    url: str
    receiver_folder: Path | None
    supervisor: Supervisor
    stopping: threading.Event

    def wait_for_signal(self) -> None:
        """Run on until SIGTERM or SIGINT, which raise SystemExit."""
        self.stopping.wait()


@contextmanager
def running(root: Path, environment: Mapping[str, str], settings: Settings) -> Iterator[Stack]:
    """Start servers and processes with this environment and its settings; stop all of them after the block.

    The block begins when requests are answered.
    """
    data_dir, port = settings.data_dir, settings.port
    if not ports.is_free(port):
        raise ProgramError(f"PORT={port} is taken, perhaps by another Carillon; stop that one or set another PORT.")
    url = f"http://127.0.0.1:{port}"
    with foreground.exit_on_signals(), ExitStack() as stack:
        surroundings = {**environment, **_servers(stack, settings)}
        folder = None
        if settings.callback_base_url is None:
            folder = data_dir / "receiver"
            surroundings["CALLBACK_BASE_URL"] = _receiver(stack, folder).url
        surroundings.pop("HEALTH_PORT", None)  # it can be one process's only
        supervisor = Supervisor.of_procfile(root / "Procfile", surroundings)
        stack.callback(supervisor.stop, grace_seconds=settings.shutdown_grace_seconds + _MORE_GRACE_SECONDS)
        supervisor.start()
        _wait_until_ready(url)
        callbacks = surroundings["CALLBACK_BASE_URL"]
        _say(f"Carillon serves {url}/dashboard/ (API: {url}/swagger/). Callbacks go to {callbacks}.")
        yield Stack(url, folder, supervisor, threading.Event())


def _servers(stack: ExitStack, settings: Settings) -> dict[str, str]:
    """Returns the variables that name private servers, kept in the data folder; none where others are named already."""
    if settings.rabbitmq_url is not None:
        return {}
    if settings.database_url is not None:
        raise ConfigurationError("DATABASE_URL is set alone; give both DATABASE_URL and RABBITMQ_URL, or neither.")
    data_dir = settings.data_dir
    _say("Starting PostgreSQL and RabbitMQ for this folder ...")
    servers = stack.enter_context(private_servers(data_dir / "servers", durable=True, vhost=VHOST))
    database = urlsplit(servers.database_url)
    _say(
        f"PostgreSQL: {database.username}@{database.hostname}:{database.port}, "
        f"its password is in {data_dir}/servers/postgres\n"
        f"RabbitMQ:   {servers.rabbitmq_url}, its pages are at {servers.management_url}"
    )
    return {
        "DATABASE_URL": servers.database_url,
        "RABBITMQ_URL": servers.rabbitmq_url,
        "SECRET_KEYS": key_file.keys(settings),
    }


def _receiver(stack: ExitStack, folder: Path) -> Receiver:
    folder.mkdir(parents=True, exist_ok=True)
    receiver = Receiver(folder=folder, journal_length=0)
    receiver.start()
    stack.callback(receiver.stop)
    return receiver


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            answer = requests.get(f"{url}/readyz", timeout=5)
            if answer.ok and answer.json()["status"] == "ready":
                return
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise ProgramError(f"{url}/readyz was not ready within {_READY_WITHIN_SECONDS} s; the lines above say why.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
