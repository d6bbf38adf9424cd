"""One process of Carillon with an exit status, run apart from an installation."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import requests

from processes import programs
from tests.acceptance.installation import ROOT, free_port
from tests.waiting import LONGEST, until


class Process:
    """One process of Carillon, whose exit status is looked at; `script` runs it otherwise than its command does."""

    def __init__(self, name: str, environment: dict[str, str], log: Path, script: str | None = None) -> None:
        self.log = log
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        variable = "PORT" if name in {"web", "serve"} else "HEALTH_PORT"
        with log.open("ab") as output:
            self._popen: subprocess.Popen[bytes] = programs.spawn(
                [sys.executable, *([str(ROOT / "cli.py"), name] if script is None else ["-c", script])],
                output=output,
                environment={**environment, variable: str(self.port)},
                folder=ROOT,
            )
        self.pid = self._popen.pid
        until(lambda: self.status_of("/readyz") == 200 or self._popen.poll() is not None, f"{name}; see {log}")

    def status_of(self, path: str) -> int | None:
        """The status that a GET answers; None when nobody does."""
        try:
            return requests.get(self.url + path, timeout=30).status_code
        except requests.RequestException:
            return None

    def terminate(self) -> None:
        self._popen.send_signal(signal.SIGTERM)

    def exit_status(self, seconds: float = LONGEST) -> int:
        """The status with which it ends, which it must within so long."""
        return self._popen.wait(seconds)

    def kill(self) -> None:
        programs.kill_family(self._popen)
