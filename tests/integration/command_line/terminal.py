"""Someone who types commands, and a server to type them to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
import uvicorn
from typer.testing import CliRunner

from api.app import create_app
from client import commands
from tests.factories import GivenSystem
from tests.waiting import LONGEST

APP = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)
commands.add_to(APP)


@contextmanager
def listening(system: GivenSystem) -> Iterator[str]:
    """The address of a server that listens meanwhile."""
    server = uvicorn.Server(uvicorn.Config(create_app(system, lambda: True, threading.Event()), log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as own:
        thread = threading.Thread(target=server.run, args=([own],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{own.getsockname()[1]}"
        server.should_exit = True
        thread.join(LONGEST)


class Terminal:
    """Types commands to a server, and reads what is printed."""

    def __init__(self, url: str, secret: str = "", token: str = "") -> None:
        self._environment = {"CARILLON_URL": url, "INTERNAL_SECRET": secret, "CARILLON_TOKEN": token}

    def run(self, *words: str, answers: str | None = None) -> Any:
        """The result of a command, whatever it is."""
        result = CliRunner().invoke(APP, list(words), obj=self._environment, input=answers)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *words: str) -> str:
        """What a command prints that goes well."""
        result = self.run(*words)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return str(result.stdout)

    def json(self, *words: str) -> Any:
        """The one JSON document that a command prints that goes well."""
        return json.loads(self.ok(*words, "--json"))

    def refused(self, *words: str, code: int = 1) -> str:
        """What a command tells that does not go well; for programs it prints nothing."""
        result = self.run(*words)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        return str(result.stderr)

    def create(self, *words: str) -> str:
        """The id of a job created from options."""
        needed = ("--app", "app_a", "--account", "acc1", "--user", "user1", "--task-type", "greet")
        return str(self.json("jobs", "create", *needed, *words)["id"])
