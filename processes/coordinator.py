"""The coordinator process: plans, dispatches, rescues and prunes; also consumes the beats."""

from __future__ import annotations

import structlog

import periodic as beats
from processes import signals
from processes.composition import CLOSING_SECONDS, foundation
from processes.serving.health import endpoint
from processes.signals import StopSignals
from services.maintenance.coordinator import Coordinator
from services.runtime.troubles import Trouble
from settings import Settings

_STOPPED_WITHIN_MILLISECONDS = 500
_FOLDER_THAT_LASTS = (
    "History is archived in DATA_DIR/files: see that this folder outlives the container and is the same for all "
    "coordinators and web processes, or set AWS_STORAGE_BUCKET_NAME."
)
log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Run the coordinator's loops until SIGTERM or SIGINT."""
    with foundation(settings, "coordinator") as base:
        loops = Coordinator(base.system, base.broker)
        consumer = beats.consumer(base.broker, loops.beat, loops.hear_sender)
        stop = StopSignals(base.stopping)

        def troubles() -> list[Trouble]:
            return [*base.troubles(), *loops.troubles()]

        if settings.archive_history and settings.aws_storage_bucket_name is None:
            log.warning("archive_without_bucket", remedy=_FOLDER_THAT_LASTS)
        with endpoint(settings, base.stopping, troubles, base.metrics):
            loops.start()
            consumer.start()
            log.info("coordinating")
            stop.wait()
            signals.end_within(CLOSING_SECONDS)
            loops.stop()
            consumer.stop(timeout=_STOPPED_WITHIN_MILLISECONDS)
