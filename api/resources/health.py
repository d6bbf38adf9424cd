"""Health: whether the process lives, and whether it can serve."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import structlog
from falcon.asgi import Request, Response

from api import answers
from api.openapi import documented
from api.operations import Required, operation
from api.schemas.reports import Alive, Readiness
from api.threads import Threads
from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from core.scopes import Scope
from core.signs_of_life import BEAT, OLDEST_BEAT_SECONDS, OLDEST_TICK_SECONDS, TICK
from services.messaging.broker_troubles import AWAY as NO_ANSWER
from services.messaging.broker_troubles import BROKER
from services.reading import records
from services.runtime.database_troubles import trouble_of
from services.runtime.metric_states import State
from services.runtime.metrics import CONTENT_TYPE, Metrics
from services.runtime.troubles import Trouble
from services.system import System

ANSWER_WITHIN_SECONDS = 3.0
log = structlog.get_logger()


class Healthz:
    """`/healthz`."""

    @documented("isAlive", "health", {200: Alive}, access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response) -> None:
        """Answer, if the process lives."""
        answers.send(resp, Alive())


class Readyz:
    """`/readyz`."""

    def __init__(
        self,
        system: System,
        threads: Threads,
        broker_is_up: Callable[[], bool],
        shutting_down: threading.Event,
        troubles: Callable[[], Sequence[Trouble]],
    ) -> None:
        self._system = system
        self._threads = threads
        self._broker_is_up = broker_is_up
        self._shutting_down = shutting_down
        self._troubles = troubles

    @documented("isReady", "health", {200: Readiness, 503: Readiness}, access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response) -> None:
        """Report whether requests can be served, and what is wrong."""
        report = await self.report()
        answers.send(resp, report, status=503 if report.status == "unavailable" else 200)

    async def report(self) -> Readiness:
        """Returns the state of this process and of what it uses."""
        found, broker = await asyncio.gather(self._signals(), self._broker())
        return Readiness.model_validate(self._reported(found, broker=broker))

    async def _signals(self) -> dict[str, datetime] | DatabaseFault:
        """Returns when beat and tick were last seen, or what keeps the database from answering in time."""
        try:
            return await asyncio.wait_for(self._threads.run(records.signals_seen), ANSWER_WITHIN_SECONDS)
        except TimeoutError:
            fault = DatabaseFault.TOO_SLOW
            log.warning("database_not_ready", fault=fault)
        except DatabaseUnavailable as error:
            fault = error.fault
            log.warning("database_not_ready", fault=fault, error=str(error))
        except Exception:  # no schema, say: whatever it is, requests cannot be served
            fault = DatabaseFault.AWAY
            log.exception("database_not_ready")
        return fault

    async def _broker(self) -> bool:
        try:
            return await asyncio.wait_for(self._threads.run(self._broker_is_up), ANSWER_WITHIN_SECONDS)
        except TimeoutError:
            return False

    def _reported(self, found: dict[str, datetime] | DatabaseFault, *, broker: bool) -> dict[str, object]:
        seen, fault = ({}, found) if isinstance(found, DatabaseFault) else (found, None)
        tick, beat = self._age(seen, TICK), self._age(seen, BEAT)
        wrong = self._found(tick, beat, broker=broker) if fault is None else [trouble_of(fault)]
        troubles = list(dict.fromkeys(wrong))
        status = "degraded" if troubles else "ready"
        if fault is not None or self._shutting_down.is_set():
            status = "unavailable"
        return {
            "status": status,
            "database": fault is None,
            "broker": broker,
            "last_beat_age_seconds": beat,
            "last_tick_age_seconds": tick,
            "troubles": troubles,
        }

    def _found(self, tick: float | None, beat: float | None, *, broker: bool) -> Iterator[Trouble]:
        """Returns the troubles, each with a remedy, while the database answers."""
        troubles = self._troubles()
        yield from troubles
        if not broker and not any(one.part == BROKER for one in troubles):
            yield NO_ANSWER
        if _older(tick, OLDEST_TICK_SECONDS):
            yield _unheard("coordinator", tick, "Due runs wait.")
        if not self._system.settings.embedded and _older(beat, OLDEST_BEAT_SECONDS):
            yield _unheard("periodic", beat, "The coordinator plans without it.")

    def _age(self, seen: dict[str, datetime], name: str) -> float | None:
        at = seen.get(name)
        return None if at is None else round((self._system.clock.now() - at).total_seconds(), 3)


class MetricsPage:
    """`/metrics`."""

    def __init__(self, readyz: Readyz, threads: Threads, metrics: Metrics) -> None:
        self._readyz = readyz
        self._metrics = metrics
        metrics.watch_pool("web", threads.count, lambda: threads.calls)

    @operation(access=Required.ADMINISTRATION, scope=Scope.READ)
    async def on_get(self, _req: Request, resp: Response) -> None:
        """Show the metrics of this process to Prometheus."""
        found = await self._readyz.report()
        state = State(
            database=found.database,
            broker=found.broker,
            troubles=[one.part for one in found.troubles],
            database_faults=[one.fault for one in found.troubles if one.fault is not None],
            tick_age_seconds=found.last_tick_age_seconds,
            beat_age_seconds=found.last_beat_age_seconds,
        )
        resp.content_type = CONTENT_TYPE
        resp.data = self._metrics.page(state)


def _unheard(process: str, age_seconds: float | None, meaning: str) -> Trouble:
    since = "ever" if age_seconds is None else f"for {age_seconds:.0f} s"
    return Trouble(
        process,
        f"No sign of life of the process {process} {since}. {meaning}",
        f"Start the process {process}, or read in its log what keeps it.",
    )


def _older(age_seconds: float | None, oldest_seconds: float) -> bool:
    """Whether a signal is too old, or never came."""
    return age_seconds is None or age_seconds > oldest_seconds
