"""Which handler does a task: that of its queue."""

from __future__ import annotations

from collections.abc import Callable

from actors import callbacks
from services import broker as brokers
from services.abort import Scope
from services.executing import Result, Work
from services.system import System

Handler = Callable[[System, Work, Scope], Result]

HANDLERS: dict[str, Handler] = {
    brokers.RUNS_HTTP: callbacks.perform,
}
