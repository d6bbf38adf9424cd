"""The board and the alarms that we hand out: Prometheus finds what each of them asks for in a real installation."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
import yaml

from core.signs_of_life import BEAT
from local import install
from models import database, signals
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import ROOT, Installation
from tests.acceptance.journal import Journal
from tests.acceptance.prometheus import RULES, Prometheus
from tests.waiting import until

BOARD = ROOT / "docs" / "monitoring" / "grafana.json"
OPERATIONS = ROOT / "docs" / "operations.md"
JOBS = 20
pytestmark = pytest.mark.servers


def panels() -> list[str]:
    """Every query of the board."""
    board = json.loads(BOARD.read_text())
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]


def rules() -> dict[str, str]:
    """What each alarm compares with its threshold."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    found = {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}
    return {name: re.sub(r" (==|>=?|<) [\d.]+$", "", query) for name, query in found.items()}


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [install.ensure("prometheus") / "promtool", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_silent_while_all_is_well_and_speak_when_it_is_not() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(RULES.with_name("alerts_test.yml")))


def test_every_alarm_is_explained() -> None:
    explained = re.findall(r"^\| (Carillon\w+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert explained == list(rules())


def test_prometheus_finds_what_every_panel_and_every_rule_asks_for(tmp_path: Path, journal: Journal) -> None:
    environment = {**QUICK, "CALLBACK_BASE_URL": journal.url}
    with (
        Installation(tmp_path, {"serve": 1}, environment) as carillon,
        Prometheus(tmp_path, f"127.0.0.1:{carillon.port}") as prometheus,
    ):
        until(lambda: prometheus.found("carillon_backlog_runs"), "the first scrape")
        carillon.create_many(JOBS, {"type": "immediate"})
        succeeded = 'sum(carillon_attempts_total{outcome="succeeded"})'
        until(lambda: value(prometheus, succeeded) == JOBS, "every attempt to be counted")
        assert value(prometheus, "sum(carillon_start_delay_seconds_count)") == JOBS
        hear_a_beat(tmp_path / "data" / "carillon.db")
        for query in (*panels(), *rules().values()):
            until(partial(prometheus.found, query), f"Prometheus to find a series for {query}")
        until(lambda: set(prometheus.rules().values()) == {"ok"}, "every rule to be evaluated")
        assert set(prometheus.rules()) == set(rules())


def hear_a_beat(file: Path) -> None:
    """Have the embedded server show the age of a beat, as if periodic were running."""
    database.connect(f"sqlite:///{file}", "test")
    with database.transaction():
        signals.mark(BEAT, datetime.now(UTC))
    database.disconnect()


def value(prometheus: Prometheus, query: str) -> float:
    """The one figure that a query finds."""
    found = prometheus.found(query)
    return float(found[0]["value"][1]) if found else 0.0
