"""What the log, the page of metrics and the live channel say about a run."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest
from structlog.testing import capture_logs

from api.app import create_app
from api.live import hub
from services.messaging import broker as brokers
from services.runtime.event_metrics import count_events
from services.runtime.metrics import Metrics
from tests.factories import GivenSystem
from tests.integration.api.listening import LOCALHOST, Event, conducted, events

Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Overheard(Generic[Returned]):
    """What a deed returned, and what was said about it: `of_job` and `of_run` are the frames of the live channel."""

    returned: Returned
    log: str
    metrics: str
    of_job: str
    of_run: str

    @property
    def everything(self) -> list[str]:
        """All that was said."""
        return [self.log, self.metrics, self.of_job, self.of_run]


def overheard(system: GivenSystem, act: Callable[[], Returned]) -> Overheard[Returned]:
    """Make and execute a run, and listen to everything until the live channel has shown it."""
    metrics = Metrics(brokers.RUNS)
    app = create_app(system, lambda: True, threading.Event(), list, metrics)

    async def scene() -> tuple[Returned, list[Event], str]:
        async with conducted(app) as conductor, events(conductor, "topics=jobs,runs") as heard:
            returned = act()
            told = [await heard.next("job", "run")]
            while told[-1].name != "run":
                told.append(await heard.next("job", "run"))
            page = await conductor.simulate_get("/metrics", host=LOCALHOST)
            return returned, told, page.text

    def frames(name: str) -> str:
        return json.dumps([one.data for one in live if one.name == name], ensure_ascii=False)

    stop = count_events(metrics)
    with pytest.MonkeyPatch.context() as patch, capture_logs() as logged:
        patch.setattr(hub, "LOOK_SECONDS", 0.01)
        returned, live, page = asyncio.run(scene())
    stop()
    return Overheard(returned, repr(logged), page, frames("job"), frames("run"))
