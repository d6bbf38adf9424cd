"""A Prometheus of a test's own, which scrapes one address every second and evaluates our rules."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any, Self

import requests

from local import install
from processes import programs
from tests.acceptance.installation import ROOT, free_port
from tests.waiting import LONGEST

RULES = ROOT / "docs" / "monitoring" / "alerts.yml"
_SETTINGS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: carillon
    static_configs: [{{targets: ["{target}"]}}]
"""


class Prometheus:
    """Runs while the block lasts."""

    def __init__(self, folder: Path, target: str) -> None:
        self._folder = folder
        self._target = target
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        settings, log = self._folder / "prometheus.yml", self._folder / "prometheus.log"
        settings.write_text(_SETTINGS.format(rules=RULES, target=self._target))
        command = [
            str(install.ensure("prometheus") / "prometheus"),
            f"--config.file={settings}",
            f"--storage.tsdb.path={self._folder / 'series'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        with log.open("ab") as output:
            self._process = programs.spawn(command, output=output, folder=self._folder)
        programs.wait_until(self._is_ready, self._process, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            programs.end(self._process, by=signal.SIGTERM, grace_seconds=10)

    def found(self, query: str) -> list[dict[str, Any]]:
        """The series that a query finds now."""
        return list(self._ask("query", query=query)["result"])

    def rules(self) -> dict[str, str]:
        """The health of each rule, by its name."""
        groups = self._ask("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _ask(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = requests.get(f"{self._url}/api/v1/{what}", params=parameters, timeout=LONGEST)
        assert answer.ok, answer.text
        return dict(answer.json()["data"])
