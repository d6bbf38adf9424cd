"""What is broken, when, and for how long: each kind of fault at least once, in an order drawn from the seed."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bench.chaos.journal import Fault, Journal
from bench.chaos.receiver import Receiver
from bench.chaos.scenario import Scenario
from bench.chaos.stack import COORDINATORS, CUT_WORKER, WORKERS, Stack

WORKER_FROZEN = "worker frozen"
FLOOD = "flood"
_KILL_EVERY_SECONDS = 20.0
_ROUND_SECONDS = 300.0  # a longer run has every fault again
_FIRST_AFTER_SECONDS = 3.0
_HANDS_FULL = 4  # calls under way when a worker is frozen
_LONGEST_FILL_SECONDS = 30.0
_OTHERS_SECONDS = 0.7
_LOOK_SECONDS = 0.05


@dataclass
class Faults:
    """Breaks things while the load goes on, and mends them."""

    scenario: Scenario
    stack: Stack
    receiver: Receiver
    journal: Journal
    flood: Callable[[], None]
    _over: threading.Event = field(default_factory=threading.Event)
    _killing: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Break one thing after the other; meanwhile, workers are killed."""
        killer = threading.Thread(target=self._kill_workers, daemon=True)
        killer.start()
        draws = self.scenario.draws("faults")
        acts = self._acts() * max(1, math.ceil(self.scenario.seconds / _ROUND_SECONDS))
        draws.shuffle(acts)
        if self.scenario.is_short:  # one stop of RabbitMQ is enough
            acts.remove(draws.choice([self._rabbitmq_stopped, self._rabbitmq_killed]))
        acts.remove(self._worker_frozen)
        acts.insert(0, self._worker_frozen)  # while there is most to do
        try:
            self._break_each(acts, time.monotonic() + _FIRST_AFTER_SECONDS)
        finally:
            self._over.set()
            killer.join()

    def stop(self) -> None:
        """Break nothing more, and mend at once what is broken."""
        self._over.set()

    def _break_each(self, acts: Sequence[Callable[[], None]], first_at: float) -> None:
        for place, act in enumerate(acts):
            planned = first_at + (self.scenario.load_seconds - _FIRST_AFTER_SECONDS) * place / len(acts)
            if self._over.wait(max(0.0, planned - time.monotonic())):
                return
            act()

    def _acts(self) -> list[Callable[[], None]]:
        return [
            self._rabbitmq_stopped,
            self._rabbitmq_killed,
            self._rabbitmq_alarmed,
            self._postgresql_restarted,
            self._postgresql_frozen,
            self._worker_frozen,
            self._coordinators_dead,
            self._worker_cut_off,
            self._api_killed,
            self._receiver_down,
            self._flooded,
        ]

    def _kill_workers(self) -> None:
        draws = self.scenario.draws("kills")
        while not self._over.wait(_KILL_EVERY_SECONDS):
            name = draws.choice(WORKERS)
            with self._killing, self._noted("worker killed", name):
                self.stack.signal(name, signal.SIGKILL)

    def _rabbitmq_stopped(self) -> None:
        with self._noted("RabbitMQ stopped"):
            self.stack.rabbit.stop()
            self._last(8)
            self.stack.rabbit.start()

    def _rabbitmq_killed(self) -> None:
        with self._noted("RabbitMQ killed"):
            self.stack.rabbit.kill()
            self._last(1)
            self.stack.rabbit.start()

    def _rabbitmq_alarmed(self) -> None:
        """Let RabbitMQ block all who publish, for longer than they wait."""
        with self._noted("RabbitMQ out of memory"):
            self.stack.rabbit.raise_memory_alarm()
            self._last(15)
            self.stack.rabbit.end_memory_alarm()

    def _postgresql_restarted(self) -> None:
        with self._noted("PostgreSQL restarted"):
            self.stack.postgres.restart()

    def _postgresql_frozen(self) -> None:
        with self._noted("PostgreSQL frozen"):
            self.stack.postgres.freeze()
            self._last(5)
            self.stack.postgres.thaw()

    def _worker_frozen(self) -> None:
        """Freeze the worker that has its hands fullest, past its leases; wake it while others are at the same runs."""
        receiver = self.receiver
        with self._killing:  # a worker that is killed wakes no more
            receiver.holds_first = True
            name, taken = self._fill_hands()
            with self._noted(WORKER_FROZEN, name):
                stopped = self.stack.signal(name, signal.SIGSTOP)
                receiver.first_kept, receiver.later_kept = frozenset(taken[::2]), frozenset(taken)
                receiver.holds_first = False
                _wait(lambda: _others_are_at(receiver), self._longest_loss_seconds())
                time.sleep(_OTHERS_SECONDS)
                if stopped:
                    self.stack.signal(name, signal.SIGCONT)
                time.sleep(_OTHERS_SECONDS)
                receiver.first_kept = receiver.later_kept = frozenset()

    def _fill_hands(self) -> tuple[str, list[str]]:
        """Wait until a worker has several calls under way. Returns the worker, and their runs."""
        until = time.monotonic() + _LONGEST_FILL_SECONDS
        while True:
            name, taken = self.stack.busiest_worker([run_id for run_id, _ in list(self.receiver.held)])
            if len(taken) >= _HANDS_FULL or time.monotonic() > until:
                return name, taken
            time.sleep(_LOOK_SECONDS)

    def _longest_loss_seconds(self) -> float:
        """Returns how long it may take until runs of a frozen worker are rescued, have rested, and are claimed anew."""
        return self.scenario.lease_seconds * 2 + 5

    def _coordinators_dead(self) -> None:
        """Kill both; those that are started anew are stopped before they have begun, and killed at the end."""
        with self._noted("coordinators dead"):
            for name in COORDINATORS:
                self.stack.signal(name, signal.SIGKILL)
            until = time.monotonic() + self.scenario.fault_seconds(10)
            while time.monotonic() < until:
                for name in COORDINATORS:
                    self.stack.signal(name, signal.SIGSTOP)
                time.sleep(_LOOK_SECONDS)
            for name in COORDINATORS:
                self.stack.signal(name, signal.SIGKILL)

    def _worker_cut_off(self) -> None:
        with self._noted("worker cut off from RabbitMQ", CUT_WORKER):
            self.stack.proxy.cut()
            self._last(10)
            self.stack.proxy.mend()

    def _api_killed(self) -> None:
        with self._noted("API killed"):
            self.stack.signal("web", signal.SIGKILL)

    def _receiver_down(self) -> None:
        with self._noted("receiver down"):
            self.receiver.is_down = True
            self._last(10)
            self.receiver.is_down = False

    def _flooded(self) -> None:
        """Flood, and break nothing else for a while: what small tenants wait for then is the flood's work alone."""
        with self._killing, self._noted(FLOOD):
            self.flood()
            self._last(25)

    def _last(self, of_ten_minutes: float) -> None:
        self._over.wait(self.scenario.fault_seconds(of_ten_minutes))

    @contextmanager
    def _noted(self, kind: str, target: str = "") -> Iterator[None]:
        began = time.time()
        yield
        self.journal.faults.append(Fault(kind, began, time.time(), target))


def _others_are_at(receiver: Receiver) -> bool:
    return any(attempt > 1 and run_id in receiver.later_kept for run_id, attempt in list(receiver.held))


def _wait(condition: Callable[[], bool], longest_seconds: float) -> None:
    until = time.monotonic() + longest_seconds
    while not condition() and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
