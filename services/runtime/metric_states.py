"""The metrics that are read at each scrape: the state of database and broker, troubles, and the backlog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from core.database_faults import DatabaseFault
from services.runtime.events import Backlog


@dataclass(frozen=True)
class State:
    """The state of a process: whether its servers answer (None: it does not use them), and which parts are in trouble.

    The ages are the seconds since the last sign of life of the coordinator and of periodic, where they were asked for.
    """

    database: bool | None = None
    broker: bool | None = None
    troubles: Sequence[str] = ()
    database_faults: Sequence[str] = ()
    tick_age_seconds: float | None = None
    beat_age_seconds: float | None = None


@dataclass(frozen=True)
class Families:
    """Metrics that exist for one scrape."""

    metrics: Sequence[Metric]

    def collect(self) -> Iterable[Metric]:
        """Returns the metrics, as Prometheus's library asks for them."""
        return self.metrics


def labelled(metrics: Iterable[Metric], process: str) -> Families:
    """Returns these metrics with the name of the process, for processes that Prometheus cannot tell apart."""
    found = list(metrics)
    for metric in found:
        metric.samples = [one._replace(labels={**one.labels, "process": process}) for one in metric.samples]
    return Families(found)


def families(state: State, backlog: Sequence[Backlog]) -> Families:
    """Returns the metrics that show this state and this backlog."""
    return Families([*_of_state(state), *_of_backlog(backlog)])


def _of_state(state: State) -> Iterator[Metric]:
    shown = {
        "database_up": ("Whether the database answers.", state.database),
        "broker_up": ("Whether RabbitMQ answers.", state.broker),
        "tick_age_seconds": ("Since the coordinator's last sign of life.", state.tick_age_seconds),
        "beat_age_seconds": ("Since the last beat of periodic.", state.beat_age_seconds),
    }
    for name, (meaning, value) in shown.items():
        if value is not None:
            yield GaugeMetricFamily(f"carillon_{name}", meaning, value=float(value))
    troubles = GaugeMetricFamily("carillon_trouble", "A part that is in trouble; /readyz says why.", labels=["part"])
    for part in dict.fromkeys(state.troubles):
        troubles.add_metric([part], 1.0)
    yield GaugeMetricFamily("carillon_troubles", "How many parts are in trouble.", value=len(troubles.samples))
    yield troubles
    if state.database is not None:
        yield _of_database(state.database_faults)


def _of_database(present: Sequence[str]) -> Metric:
    """Returns a series for every fault: an alarm that asks for them finds them while all is well, too."""
    faults = GaugeMetricFamily("carillon_database_fault", "What is wrong with the database.", labels=["fault"])
    for fault in DatabaseFault:
        faults.add_metric([fault.value], float(fault in present))
    return faults


def _of_backlog(backlog: Sequence[Backlog]) -> Iterator[Metric]:
    labels = ["queue", "held_by"]
    runs = GaugeMetricFamily(
        "carillon_backlog_runs", "Due runs that have not begun, by what holds them.", labels=labels
    )
    oldest = GaugeMetricFamily("carillon_backlog_oldest_seconds", "How long the oldest has been due.", labels=labels)
    for one in backlog:
        runs.add_metric([one.queue, one.held_by or ""], one.count)
        oldest.add_metric([one.queue, one.held_by or ""], one.oldest_seconds)
    if backlog:
        yield from (runs, oldest)
