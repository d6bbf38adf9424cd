"""What every service is handed: the settings, a clock, the doorbell, and the one way to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from models import database
from models.pauses import Gate
from services.messaging.doorbell import Doorbell
from services.messaging.unit_of_work import UnitOfWork
from services.runtime.clock import Clock
from services.runtime.spans import Tracer
from settings import Settings


@dataclass(frozen=True)
class System:
    """The parts that services share."""

    settings: Settings
    clock: Clock
    doorbell: Doorbell
    perform_call: Callable[[System, Any, Any], Any] | None = None  # makes the call of a job, in processes that can
    tracer: Tracer | None = None  # exports spans, where the installation says where they go

    @contextmanager
    def transaction(
        self, gate: Gate = Gate.SHARED, *, dry_run: bool = False, asynchronous_commit: bool = False
    ) -> Iterator[UnitOfWork]:
        """Run a block that writes in one transaction; what its unit of work collects is sent after the commit.

        Within another transaction the block is part of that one, and its rings wait for that commit. The gate of pauses
        is taken before anything else (docs/decisions/0008-pauses-and-turns.md). A dry run takes everything back.
        With `asynchronous_commit` it does not wait until the commit is on disk: for what is done again if a crash of
        the database server loses it. Raises `DatabaseUnavailable`.
        """
        transaction = partial(database.transaction, asynchronous_commit=asynchronous_commit)
        with (database.rolled_back if dry_run else transaction)(gate.value):
            unit = UnitOfWork(self.clock, self.doorbell)
            yield unit
            unit.write()
            database.after_commit(unit.send)
