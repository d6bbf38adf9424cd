"""The worker process: executes runs."""

from __future__ import annotations

import structlog

from actors.main import RunWorker
from processes import signals
from processes.composition import CLOSING_SECONDS, foundation
from processes.serving.health import endpoint
from processes.signals import StopSignals
from settings import Settings

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Execute runs until SIGTERM or SIGINT; then finish those under way, or hand them back after the grace."""
    with foundation(settings, "worker") as base:
        runs = RunWorker(base.system, base.broker, base.stopping)
        stop = StopSignals(base.stopping, runs.hurry)

        base.metrics.watch_pool("runs", settings.worker_threads, runs.under_way)
        with endpoint(settings, base.stopping, base.troubles, base.metrics):
            runs.start()
            log.info("executing_runs", threads=settings.worker_threads)
            stop.wait()
            runs.finish()
            signals.end_within(CLOSING_SECONDS)
            runs.stop()
