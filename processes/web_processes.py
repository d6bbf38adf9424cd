"""Several web processes on one port, one per core: the kernel distributes connections; dead processes are replaced.

Each has a listening socket of its own, which this process keeps open: connections that a dead process has not accepted
wait for its successor.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading

import structlog

from processes import exit_status, programs
from processes.environment import ROOT
from processes.serving.web_server import refuse_taken
from processes.signals import StopSignals
from services.runtime import logs
from settings import Settings

_BACKLOG = 2048
_REST_SECONDS = 1.0
_STANDARD_ERROR = 2
log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Serve the API by as many processes as the settings say until SIGTERM or SIGINT."""
    logs.configure(settings.log_level)
    stopping = threading.Event()
    webs = [WebProcess(one, stopping) for one in listening(settings.host, settings.port, settings.web_processes)]

    def ask_all_to_end() -> None:
        for web in webs:
            web.ask_to_end()

    stop = StopSignals(stopping, hurry=ask_all_to_end)
    for web in webs:
        web.start()
    stop.wait()
    ask_all_to_end()
    for web in webs:
        web.join()
    if any(web.is_refused for web in webs):
        sys.exit(exit_status.WRONG_CONFIGURATION)


def listening(host: str, port: int, count: int) -> list[socket.socket]:
    """Returns this many sockets that listen on one port. Raises `ProgramError` if somebody else does."""
    refuse_taken(host, port)
    return [_listening(host, port) for _ in range(count)]


def _listening(host: str, port: int) -> socket.socket:
    # The protocol is given explicitly: without it, asyncio does not set TCP_NODELAY.
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((host, port))
    made.listen(_BACKLOG)
    return made


class WebProcess:
    """One web process after the other, on the same socket."""

    def __init__(self, listening_at: socket.socket, stopping: threading.Event) -> None:
        self.is_refused = False
        self._socket = listening_at
        self._stopping = stopping
        self._lock = threading.Lock()  # held while a process begins or is signalled
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="web", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()

    def ask_to_end(self) -> None:
        """Signal the process; a second time tells it to end at once."""
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGTERM)

    def _keep_running(self) -> None:
        while True:
            try:
                process = self._begun()
            except programs.NOT_STARTED as error:  # connections wait on the socket meanwhile
                log.warning("web_process_not_started", error=str(error))
                self._stopping.wait(_REST_SECONDS)
                continue
            if process is None:
                return
            status = process.wait()
            if status == exit_status.WRONG_CONFIGURATION:  # it has reported why, and the next would fail alike
                self.is_refused = True
                self._stopping.set()
            elif not self._stopping.is_set():
                log.warning("web_process_ended", status=status)
                self._stopping.wait(_REST_SECONDS)

    def _begun(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            descriptor = self._socket.fileno()
            command = [sys.executable, str(ROOT / "cli.py"), "web", "--socket", str(descriptor)]
            self._process = programs.spawn(
                command, output=_STANDARD_ERROR, last_signal=signal.SIGTERM, descriptors=[descriptor]
            )
            return self._process
