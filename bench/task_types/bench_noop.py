"""Task types that do nothing, so that only the cost around a task is measured: one succeeds, one always fails."""

from __future__ import annotations

from pydantic import BaseModel

from core.errors import TransientFailure
from services.task_types import registry
from services.task_types.registry import Task, TaskType


class Nothing(BaseModel):
    """No parameters."""


def perform(_task: Task) -> None:
    """Do nothing."""


def fail(_task: Task) -> None:
    """Fail, in a way that is retried."""
    raise TransientFailure("It always fails.")


registry.register(TaskType(key="bench_noop", label="Do nothing", parameters=Nothing, perform=perform))
registry.register(TaskType(key="bench_failing", label="Fail", parameters=Nothing, perform=fail))
