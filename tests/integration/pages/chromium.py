"""Chromium without a window, led through its debugging port: for what only a real browser does."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.waiting import LONGEST, until

PROGRAM = shutil.which("chromium")
_PORT_FILE = "DevToolsActivePort"
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--remote-debugging-port=0",
)


class Tab:
    """The one tab of a browser."""

    def __init__(self, channel: ClientConnection) -> None:
        self._channel = channel
        self._ids = count(1)

    def load(self, url: str) -> None:
        """Load a page, with all that it loads."""
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        self._until(lambda told: told.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Run a script in the page, and wait for what it promises; its value."""
        told = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true of the page, looking after each change of it."""
        self.run(
            f"""new Promise((resolve) => {{
              const look = () => {{ if ({condition}) {{ watcher.disconnect(); resolve(); }} }};
              const watcher = new MutationObserver(look);
              watcher.observe(document, {{subtree: true, childList: true, attributes: true, characterData: true}});
              look();
            }})"""
        )

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._ids)
        self._channel.send(json.dumps({"id": number, "method": method, "params": parameters}))
        return self._until(lambda told: told.get("id") == number)["result"]

    def _until(self, is_wanted: Any) -> Any:
        while True:
            told = json.loads(self._channel.recv(LONGEST))
            if is_wanted(told):
                return told


@contextmanager
def opened(folder: Path) -> Iterator[Tab]:
    """A tab of a browser of its own, with its profile in a folder."""
    assert PROGRAM is not None
    with subprocess.Popen(
        [PROGRAM, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            port_file = folder / _PORT_FILE
            until(lambda: port_file.exists() and port_file.read_text().count("\n"), "Chromium")
            port = port_file.read_text().split()[0]
            tabs = requests.get(f"http://127.0.0.1:{port}/json", timeout=LONGEST).json()
            [address] = [one["webSocketDebuggerUrl"] for one in tabs if one["type"] == "page"]
            with connect(address, open_timeout=LONGEST, max_size=None) as channel:
                yield Tab(channel)
        finally:
            process.terminate()
