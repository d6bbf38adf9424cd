"""The seam to observe: subscribers hear every event, and what they do touches nobody else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.runtime import event_log, events
from services.runtime.event_metrics import EventMetrics
from services.runtime.events import Backlog
from services.runtime.metric_labels import BoundedLabels
from services.runtime.metric_states import State
from services.runtime.metrics import Metrics
from tests.figures import figures

ROOT = Path(__file__).parents[3]
ALL_OF_STATE = State(database=True, broker=True, troubles=["broker"], tick_age_seconds=0.5, beat_age_seconds=30)


def test_an_event_is_heard_until_its_subscriber_has_had_enough() -> None:
    heard: list[tuple[str, Mapping[str, Any]]] = []
    end = events.subscribe(lambda name, members: heard.append((name, members)))
    events.emit("bell.rung", loud=True)
    end()
    events.emit("bell.rung", loud=False)
    assert heard == [("bell.rung", {"loud": True})]


def test_a_subscriber_that_fails_is_logged_and_keeps_nobody_from_hearing() -> None:
    heard: list[str] = []

    def fail(_name: str, _members: Mapping[str, Any]) -> None:
        raise ZeroDivisionError

    ends = [events.subscribe(fail), events.subscribe(lambda name, _members: heard.append(name))]
    with capture_logs() as lines:
        events.emit("bell.rung")
    for end in ends:
        end()
    assert heard == ["bell.rung"]
    assert [(line["event"], line["emitted"]) for line in lines] == [("event_fault", "bell.rung")]


def test_an_event_is_logged_under_its_name_with_the_members_that_say_something() -> None:
    with capture_logs() as lines:
        events.emit("attempt.refused", attempt=2, fence=7)
        events.emit("ring.sent", queue="runs.http")
    assert lines == [{"event": "result_refused", "log_level": "warning", "attempt": 2, "fence": 7}]


def test_every_event_that_is_logged_or_counted_is_emitted_somewhere() -> None:
    rooms = ("actors", "api", "services", "processes")
    code = "\n".join(file.read_text() for room in rooms for file in (ROOT / room).rglob("*.py"))
    emitted = set(re.findall(r'emit[,(]\s*"([a-z_]+\.[a-z_]+)"', code))
    counted = set(EventMetrics(Metrics())._counted_by)
    assert emitted == counted | set(event_log.LINES)


@pytest.mark.parametrize("most", [1, 3])
def test_so_many_combinations_are_named_and_the_rest_are_other(most: int) -> None:
    labels = BoundedLabels(most, ("app", "task_type"))
    given = [labels.of(f"app{number % 5}", "greet") for number in range(10)]
    assert given[:5] == given[5:]
    assert [one for one in given[:5] if one != ("other", "other")] == [(f"app{n}", "greet") for n in range(most)]


def test_every_metric_is_explained() -> None:
    metrics = Metrics(["runs.http"])
    metrics.keep_backlog([Backlog("runs.http", None, 0, 0.0)])
    page = metrics.page(ALL_OF_STATE).decode()
    told = (ROOT / "docs" / "operations.md").read_text()
    named = re.findall(r"^# TYPE (carillon_\w+) \w+$", page, re.MULTILINE)
    assert len(named) > 25
    assert [name for name in named if f"`{name}`" not in told] == []
    assert [name for name in re.findall(r"`(carillon_\w+)`", told) if name not in named] == []


def test_processes_that_share_a_port_are_told_apart() -> None:
    page = figures(Metrics(["runs.http"], process="41").page(ALL_OF_STATE).decode())
    assert page["carillon_attempts_total", ("lost", "41", "runs.http")] == 0
    assert page["carillon_database_up", ()] == 1


def test_a_page_is_read_by_prometheus_and_begins_at_nought() -> None:
    page = figures(Metrics(["runs.http"]).page(ALL_OF_STATE).decode())
    assert page["carillon_attempts_total", ("lost", "runs.http")] == 0
    assert page["carillon_runs_dispatched_total", ("skip_overlap",)] == 0
    assert page["carillon_trouble", ("broker",)] == 1
    assert page["carillon_database_up", ()] == 1
    assert page["carillon_beat_age_seconds", ()] == 30
