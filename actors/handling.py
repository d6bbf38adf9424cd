"""Find the handler of a task: that of its queue, which the task type declares."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from actors.handlers import custom_task
from actors.handlers.call import perform_call
from services.execution.work import Result, Work
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from services.system import System
from services.task_types import registry

Handler = Callable[[System, Work, AbortScope], Result]


def _named(module: str) -> Handler:
    return cast("Handler", importlib.import_module(f"actors.handlers.{module}").perform)


HANDLERS: dict[str, Handler] = {
    brokers.RUNS_HTTP: perform_call,
    brokers.RUNS_CUSTOM: custom_task.perform,
    **{one.queue: _named(one.handler) for one in registry.known() if one.handler is not None},
}
