"""Every kind of task that is known by name.

A kind of one's own is one call of `register`, in a module that the setting TASK_TYPES names: docs/task_types.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services import broker as brokers
from services.abort import Scope


@dataclass(frozen=True)
class Task:
    """One attempt, as the function of a kind of one's own gets it; `scope` tells when to stop."""

    run_id: UUID
    attempt: int
    parameters: Any
    scope: Scope


@dataclass(frozen=True)
class TaskType:
    """A kind of task: its parameters are checked when a job is created, and its queue names who does it.

    `perform` is for kinds of one's own: it returns the result, as JSON, or raises `TransientFailure` or
    `PermanentFailure`; the built-in kinds have their handlers in `actors/handlers/`.
    """

    key: str
    label: str
    parameters: type[BaseModel]
    queue: str = brokers.RUNS_OWN
    perform: Callable[[Task], Any] | None = None


_TYPES: dict[str, TaskType] = {}


def register(task_type: TaskType) -> None:
    """Make a kind of task known. Raises `ValueError` where the key is taken."""
    if task_type.key in _TYPES:
        raise ValueError(f"The task type {task_type.key!r} is registered twice; give one of them another key.")
    _TYPES[task_type.key] = task_type


def find(key: str) -> TaskType | None:
    """The kind of task of this name; None where that is a callback."""
    return _TYPES.get(key)


def known() -> list[TaskType]:
    """Every kind of task, by key."""
    return [_TYPES[key] for key in sorted(_TYPES)]


def queue_of(task_type: str) -> str:
    """The queue in which runs of a task type wait."""
    found = _TYPES.get(task_type)
    return brokers.RUNS_HTTP if found is None else found.queue
