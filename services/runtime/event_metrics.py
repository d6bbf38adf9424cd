"""The events that are counted: what each changes of the metrics."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.runtime import events
from services.runtime.events import Backlog, ObservedEnd
from services.runtime.metrics import ENDS_OF_RUNS, Metrics


def count_events(metrics: Metrics) -> Callable[[], None]:
    """Count every event from now on in these metrics. Returns the function that ends this."""
    return events.subscribe(EventMetrics(metrics))


class EventMetrics:
    """Changes the metrics for each event; one that it does not know changes nothing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        # What each run counts: to look up a series by its labels costs more than to count in it.
        self._attempts = functools.cache(metrics.attempts.labels)
        self._runs_ended = functools.cache(metrics.runs_ended.labels)
        self._duration = functools.cache(metrics.attempt_duration.labels)
        self._delay = functools.cache(metrics.start_delay.labels)
        self._sent = functools.cache(metrics.rings_sent.labels)
        self._counted_by: Mapping[str, Callable[..., object]] = {
            "attempt.refused": self._refused,
            "attempts.ended": self._ended,
            "attempts.recorded": self._recorded,
            "backlog.counted": self._backlog,
            "beat.heard": self._beat,
            "coming_threads.counted": self._coming_threads,
            "jobs.put_off": self._put_off,
            "loop.failed": self._loop_failed,
            "loop.started": self._loop_started,
            "loop.turned": self._loop_turned,
            "occurrences.planned": self._planned,
            "ring.lost": self._ring_lost,
            "ring.sent": self._ring_sent,
            "rings.topped_up": self._topped_up,
            "runs.claimed": self._claimed,
            "runs.dispatched": self._dispatched,
        }

    def __call__(self, name: str, members: Mapping[str, Any]) -> None:
        """Count an event."""
        count = self._counted_by.get(name)
        if count is not None:
            count(**members)

    def _claimed(self, count: int, seconds: float) -> None:
        self._metrics.claim_seconds.observe(seconds)
        self._metrics.claim_runs.observe(count)

    def _recorded(self, count: int, seconds: float) -> None:
        self._metrics.record_seconds.observe(seconds)
        self._metrics.record_attempts.observe(count)

    def _ended(self, ends: Sequence[ObservedEnd]) -> None:
        for end in ends:
            labels = self._metrics.tasks.of(end.app, end.task_type)
            self._attempts(end.queue, end.outcome).inc()
            self._duration(*labels).observe(end.duration_seconds)
            if end.delay_seconds is not None:
                self._delay(*labels).observe(end.delay_seconds)
            if end.status in ENDS_OF_RUNS:
                self._runs_ended(end.queue, end.status).inc()

    def _refused(self, **_members: object) -> None:
        self._metrics.refused.inc()

    def _planned(self, planned: int, missed: int) -> None:
        self._metrics.planned.inc(planned)
        self._metrics.missed.inc(missed)

    def _put_off(self, count: int) -> None:
        self._metrics.put_off.inc(count)

    def _dispatched(self, fates: Mapping[str, int]) -> None:
        for fate, count in fates.items():
            self._metrics.dispatched.labels(fate).inc(count)

    def _ring_sent(self, queue: str) -> None:
        self._sent(queue).inc()

    def _ring_lost(self, queue: str) -> None:
        self._metrics.rings_lost.labels(queue).inc()

    def _topped_up(self, queue: str, count: int) -> None:
        self._metrics.topped_up.labels(queue).inc(count)

    def _beat(self) -> None:
        self._metrics.beats.inc()

    def _loop_started(self, loop: str) -> None:
        self._metrics.loop_turns.labels(loop)
        self._metrics.loop_faults.labels(loop)

    def _loop_turned(self, loop: str) -> None:
        self._metrics.loop_turns.labels(loop).inc()
        self._metrics.loop_turned_at.labels(loop).set(time.time())

    def _loop_failed(self, loop: str) -> None:
        self._metrics.loop_faults.labels(loop).inc()

    def _coming_threads(self, by_queue: Mapping[str, float]) -> None:
        for queue, threads in by_queue.items():
            self._metrics.coming_threads.labels(queue).set(threads)

    def _backlog(self, backlog: Sequence[Backlog]) -> None:
        self._metrics.keep_backlog(backlog)
