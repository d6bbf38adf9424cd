"""A Prometheus of a test's own, which scrapes processes every second and evaluates rules."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

import requests
import yaml

from local import install, starting
from processes import programs
from tests.acceptance.installation import free_port
from tests.waiting import LONGEST


class Prometheus:
    """Runs while the block lasts. Each process that it scrapes, at an address, is an `instance` of that name."""

    def __init__(self, folder: Path, processes: Mapping[str, str], rules: Mapping[str, Any]) -> None:
        self._folder = folder
        self._processes = processes
        self._rules = rules
        self._url = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        log = self._folder / "prometheus.log"
        command = [
            str(install.ensure("prometheus") / "prometheus"),
            f"--config.file={self._written()}",
            f"--storage.tsdb.path={self._folder / 'series'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        with log.open("ab") as output:
            self._process = programs.spawn(command, output=output, folder=self._folder)
        starting.wait_until_ready(self._is_ready, self._process, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            programs.end(self._process, by=signal.SIGTERM, grace_seconds=10)

    def found(self, query: str) -> list[dict[str, Any]]:
        """The series that a query finds now."""
        return list(self._ask("query", query=query)["result"])

    def figures(self, query: str) -> dict[tuple[str, ...], float]:
        """The figures that a query finds now, by the values of their labels in the order of their names."""
        return {
            tuple(value for _, value in sorted(one["metric"].items())): float(one["value"][1])
            for one in self.found(query)
        }

    def all_figures(self, queries: Iterable[str]) -> dict[str, dict[tuple[str, ...], float]]:
        """The figures that each of these queries finds now."""
        return {query: self.figures(query) for query in queries}

    def rules(self) -> dict[str, str]:
        """The health of each rule, by its name."""
        groups = self._ask("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def firing(self) -> set[str]:
        """The names of the alarms that fire now."""
        return {one["labels"]["alertname"] for one in self._ask("alerts")["alerts"] if one["state"] == "firing"}

    def _written(self) -> Path:
        rules, settings = self._folder / "alerts.yml", self._folder / "prometheus.yml"
        targets = [{"targets": [address], "labels": {"instance": name}} for name, address in self._processes.items()]
        everything = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "carillon", "static_configs": targets}],
        }
        rules.write_text(yaml.safe_dump(dict(self._rules)))
        settings.write_text(yaml.safe_dump(everything))
        return settings

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/-/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def _ask(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = requests.get(f"{self._url}/api/v1/{what}", params=parameters, timeout=LONGEST)
        assert answer.ok, answer.text
        return dict(answer.json()["data"])
