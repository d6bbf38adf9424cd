"""An engine, and threads that call it."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from services.execution import workers
from services.execution.engine import Engine
from services.execution.exchanges import ExchangeAnswer
from services.execution.work import Work
from services.messaging.broker import RUNS_HTTP
from tests.factories import GivenSystem, succeeded
from tests.waiting import LONGEST, until


class Threads:
    """An engine and threads that call it; nothing is answered before `start`."""

    def __init__(self, system: GivenSystem) -> None:
        self.worker = workers.register(system)
        self.engine = Engine(system, self.worker)
        self._pool = ThreadPoolExecutor(8)
        self._called = 0

    def start(self) -> None:
        self.all_have_called()
        self.engine.start()

    def all_have_called(self) -> None:
        """Wait until every call is there; only before `start`, which takes them."""
        until(lambda: self.engine._exchanges._waiting.qsize() == self._called, "every thread has called")

    def ask(self, queue: str = RUNS_HTTP) -> Future[ExchangeAnswer]:
        """Ask for work."""
        self._called += 1
        return self._pool.submit(self.engine.exchange, queue)

    def hand_in(self, work: Work, *, wants_work: bool = False) -> Future[ExchangeAnswer]:
        """Hand in a good result."""
        self._called += 1
        return self._pool.submit(self.engine.exchange, RUNS_HTTP, (work, succeeded()), wants_work=wants_work)

    def stop(self) -> None:
        self.engine.stop()
        self._pool.shutdown()


def of(future: Future[ExchangeAnswer]) -> ExchangeAnswer:
    return future.result(LONGEST)
