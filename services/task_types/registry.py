"""Every kind of task that is known by name.

An installation adds its own kind by one call of `register`, in a module that TASK_TYPES names: docs/task_types.md.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel

from core import storable
from services.email import templates
from services.messaging import broker as brokers
from services.runtime import slow_checks
from services.runtime.abort_scope import AbortScope
from services.task_types.validation_messages import shaped
from settings import Settings


@dataclass(frozen=True)
class Task:
    """One attempt, as passed to the function of an installation's own kind; `scope` tells when to stop.

    `trace_headers` carry its trace on with the requests that the function sends.
    """

    run_id: UUID
    attempt: int
    parameters: Any
    scope: AbortScope
    trace_headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskType:
    """A kind of task: its parameters are checked when a job is created, and its queue names who does it.

    Who does it is declared here too: `perform` returns the result, as JSON, or raises `TransientFailure` or
    `PermanentFailure`; `handler` names the module in `actors/handlers/` that does all runs of the queue. When a job is
    created, `expect` raises where the settings allow none of this kind, before its parameters are read, and `check`
    looks at well-formed parameters and raises where the settings do not allow them. With `has_templates`, texts of the
    parameters are checked as templates. With `is_done_once`, a run that completed leaves nothing to repeat.
    """

    key: str
    label: str
    parameters: type[BaseModel]
    queue: str = brokers.RUNS_CUSTOM
    perform: Callable[[Task], Any] | None = None
    handler: str | None = None
    expect: Callable[[Settings], None] | None = None
    check: Callable[[Settings, Any], None] | None = None
    has_templates: bool = False
    is_done_once: bool = False
    time_limit: Callable[[Settings], float] | None = None
    works: Callable[[Settings], bool] = lambda _settings: True


LONGEST_TIME_LIMIT_SECONDS = 86_400.0
_KEY = re.compile(r"[A-Za-z0-9._-]{1,100}")
_TYPES: dict[str, TaskType] = {}
_LOGGED_EVERY_SECONDS = 60.0
_broken_limits_logged: dict[str, float] = {}  # by task type, when that was on the monotonic clock
log = structlog.get_logger()


def register(task_type: TaskType) -> None:
    """Register a kind of task. Raises `ValueError` or `TypeError` if the key is taken or the declaration is wrong."""
    _refuse_what_cannot_be(task_type)
    if task_type.key in _TYPES:
        raise ValueError(f"The task type {task_type.key!r} is registered twice; give one of them another key.")
    _TYPES[task_type.key] = task_type


def _refuse_what_cannot_be(task_type: TaskType) -> None:
    if _KEY.fullmatch(task_type.key) is None:
        raise ValueError(
            f"The task type {task_type.key!r} has a key that no job can name; write 1 to 100 letters, digits, dots, "
            "hyphens or underscores."
        )
    if not (isinstance(task_type.parameters, type) and issubclass(task_type.parameters, BaseModel)):
        raise TypeError(f"The task type {task_type.key!r} has parameters that are no pydantic model; give its class.")
    if task_type.queue == brokers.RUNS_CUSTOM and task_type.perform is None:
        raise ValueError(f"The task type {task_type.key!r} has nobody to do it; give a function as perform.")
    of_queue = {one.handler for one in _TYPES.values() if one.queue == task_type.queue}
    if task_type.handler is not None and of_queue - {task_type.handler}:
        raise ValueError(
            f"The task type {task_type.key!r} names the handler {task_type.handler!r} for the queue {task_type.queue}, "
            "which has another; give it a queue of its own."
        )


def find(key: str) -> TaskType | None:
    """Returns the kind of task of this name; None for a callback."""
    return _TYPES.get(key)


def known() -> list[TaskType]:
    """Returns every kind of task, by key."""
    return [_TYPES[key] for key in sorted(_TYPES)]


def working(settings: Settings) -> list[TaskType]:
    """Returns the kinds of task that work in this installation, by key."""
    return [one for one in known() if one.works(settings)]


def validate(settings: Settings, key: str, data: Any) -> None:
    """Check the data of a job of this kind, which may take long: not within a transaction.

    Raises `InvalidInput`, or what the kind's own check raises.
    """
    found = _TYPES.get(key)
    if found is None:
        return
    if found.expect is not None:
        found.expect(settings)
    with templates.each_once():
        parameters = shaped(found.parameters, data or {}, within="data")
    if found.check is not None:
        found.check(settings, parameters)


def expect_valid(settings: Settings, key: str, data: Any) -> None:
    """Check as `validate` does, but while no transaction waits for it: this may be called within one.

    The caller opens its transaction in `slow_checks.made_before` or below `slow_checks.before_transaction`.
    """
    if key in _TYPES:
        slow_checks.outcome("data", [key, data], lambda: validate(settings, key, data))


def is_quick(key: str) -> bool:
    """Whether `validate` asks no more of such a job than the shape of its parameters; all else may take long."""
    found = _TYPES.get(key)
    return found is None or (found.check is None and not found.has_templates)


def has_templates(key: str) -> bool:
    """Whether texts of such a job's parameters are checked as templates."""
    found = _TYPES.get(key)
    return found is not None and found.has_templates


def is_done_once(key: str) -> bool:
    """Whether a completed run of such a job leaves nothing to repeat."""
    found = _TYPES.get(key)
    return found is not None and found.is_done_once


def time_limit(settings: Settings, key: str) -> float:
    """Returns the seconds that a run of a task type may take if its job sets no limit.

    If the type's own function raises, that is logged once a minute, and the limit is that of a callback.
    """
    found = _TYPES.get(key)
    if found is None or found.time_limit is None:
        return settings.callback_time_limit_seconds
    try:
        wanted = found.time_limit(settings)
    except Exception:  # an installation's own code may raise anything, and runs are claimed by this
        if _is_logged_again(key, time.monotonic()):
            log.exception("time_limit_broke", task_type=key)
        return settings.callback_time_limit_seconds
    return storable.seconds(wanted, LONGEST_TIME_LIMIT_SECONDS) or LONGEST_TIME_LIMIT_SECONDS


def _is_logged_again(key: str, now: float) -> bool:
    """Whether it is a minute since a broken time limit of this task type was last logged. Then it is to be logged."""
    logged = _broken_limits_logged.get(key)
    if logged is not None and now - logged < _LOGGED_EVERY_SECONDS:
        return False
    _broken_limits_logged[key] = now
    return True


def queue_of(task_type: str) -> str:
    """Returns the queue in which runs of a task type wait."""
    found = _TYPES.get(task_type)
    return brokers.RUNS_HTTP if found is None else found.queue
