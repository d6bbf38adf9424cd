"""Which handler does a task: that of its queue."""

from __future__ import annotations

from collections.abc import Callable

from actors import callbacks
from actors.handlers import command, custom_task, email, upload
from services.execution.work import Result, Work
from services.messaging import broker as brokers
from services.runtime.abort_scope import Scope
from services.system import System

Handler = Callable[[System, Work, Scope], Result]

HANDLERS: dict[str, Handler] = {
    brokers.RUNS_HTTP: callbacks.perform,
    brokers.RUNS_OWN: custom_task.perform,
    brokers.RUNS_EMAIL: email.perform,
    brokers.RUNS_COMMAND: command.perform,
    brokers.RUNS_UPLOAD: upload.perform,
}
