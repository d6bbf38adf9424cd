"""The metrics of this process, as Prometheus reads them. `services.runtime.event_metrics` counts events in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from core.due_runs import Fate
from core.states import Outcome, RunStatus
from core.version import VERSION
from services.runtime.events import Backlog
from services.runtime.metric_labels import BoundedLabels
from services.runtime.metric_states import State, families, labelled

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
ENDS_OF_RUNS = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)
MAX_TASKS = 100  # pairs of app and task type; each costs some forty series

_DELAYS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_TRANSACTIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_GROUPS = (0, 1, 2, 4, 8, 16, 32)

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, that says little


class Metrics:
    """Every metric of one process.

    The series of `queues` start at 0, not at their first event: Prometheus sees no increase in a series whose first
    sample is 1. With `process`, each series is labelled with that name; otherwise the counters of processes that share
    a port would look like one that is reset again and again.
    """

    def __init__(self, queues: Iterable[str] = (), process: str | None = None) -> None:
        self._process = process
        registry = self._registry = CollectorRegistry()
        self._backlog: Sequence[Backlog] = ()
        self.tasks = BoundedLabels(MAX_TASKS, ("app", "task_type"))

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"carillon_{name}", meaning, labels, registry=registry)

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"carillon_{name}", meaning, labels, registry=registry)

        def histogram(name: str, meaning: str, buckets: Sequence[float], *labels: str) -> Histogram:
            return Histogram(f"carillon_{name}", meaning, labels, registry=registry, buckets=buckets)

        self.start_delay = histogram(
            "start_delay_seconds",
            "From the instant at which a run was due to the beginning of the attempt; not of runs that were held.",
            _DELAYS,
            *self.tasks.names,
        )
        self.attempt_duration = histogram(
            "attempt_duration_seconds", "From the beginning of an attempt to its end.", _DURATIONS, *self.tasks.names
        )
        self.attempts = counter("attempts_total", "Attempts that ended, by outcome.", "queue", "outcome")
        self.runs_ended = counter("runs_ended_total", "Runs that ended after an attempt.", "queue", "status")
        self.refused = counter("results_refused_total", "Results refused since the run was taken back meanwhile.")
        self.claim_seconds = histogram("claim_seconds", "Time that a claim took.", _TRANSACTIONS)
        self.claim_runs = histogram("claim_runs", "Runs claimed together.", _GROUPS)
        self.record_seconds = histogram("record_seconds", "Time that recording results took.", _TRANSACTIONS)
        self.record_attempts = histogram("record_attempts", "Results recorded together.", _GROUPS)
        self.planned = counter("occurrences_planned_total", "Occurrences that were given a run.")
        self.missed = counter("occurrences_missed_total", "Occurrences that were planned too late to run.")
        self.put_off = counter("jobs_put_off_total", "Jobs whose occurrences could not be planned, at each try.")
        self.dispatched = counter("runs_dispatched_total", "Runs whose instant came, by their fate.", "fate")
        self.rings_sent = counter("rings_sent_total", "Rings that the broker took.", "queue")
        self.rings_lost = counter("rings_lost_total", "Rings that were dropped; top-ups make up for them.", "queue")
        self.topped_up = counter("rings_topped_up_total", "Rings sent for runs that had too few.", "queue")
        self.beats = counter("beats_total", "Beats that were heard.")
        self.loop_turns = counter("loop_turns_total", "Turns that a loop has taken.", "loop")
        self.loop_faults = counter("loop_faults_total", "Turns that failed.", "loop")
        self.loop_turned_at = gauge("loop_last_turn_timestamp_seconds", "When a loop last took a turn.", "loop")
        self.coming_threads = gauge(
            "coming_threads", "Threads that runs need now and in the busiest of the coming five minutes.", "queue"
        )
        self._pool_threads = gauge("pool_threads", "Threads of a pool.", "pool")
        self._pool_calls = gauge("pool_calls", "Calls under way; those beyond the threads wait for one.", "pool")
        self._rings_waiting = gauge("rings_waiting", "Rings that are not sent yet.")
        gauge("build_info", "The version that runs.", "version").labels(VERSION).set(1)
        ProcessCollector(registry=registry)
        self._begin_at_nought(queues)

    def _begin_at_nought(self, queues: Iterable[str]) -> None:
        for queue in queues:
            for outcome in Outcome:
                self.attempts.labels(queue, outcome.value)
            for status in ENDS_OF_RUNS:
                self.runs_ended.labels(queue, status.value)
            for of_queue in (self.rings_sent, self.rings_lost, self.topped_up):
                of_queue.labels(queue)
        for fate in Fate:
            self.dispatched.labels(fate.value)

    def watch_pool(self, name: str, threads: int, calls: Callable[[], float]) -> None:
        """Show a pool of threads; `calls` is asked at each scrape."""
        self._pool_threads.labels(name).set(threads)
        self._pool_calls.labels(name).set_function(calls)

    def watch_rings(self, waiting: Callable[[], float]) -> None:
        """Show how many rings wait to be sent; asked at each scrape."""
        self._rings_waiting.set_function(waiting)

    def keep_backlog(self, backlog: Sequence[Backlog]) -> None:
        """Show this backlog until there is a newer one."""
        self._backlog = backlog

    def page(self, state: State) -> bytes:
        """Returns the page that Prometheus scrapes."""
        counted = self._registry if self._process is None else labelled(self._registry.collect(), self._process)
        return generate_latest(counted) + generate_latest(families(state, self._backlog))
