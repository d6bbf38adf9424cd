"""Task types that do nothing, so that what is measured is all that surrounds a task: one well, one in vain."""

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
    """Fail so that it is tried again."""
    raise TransientFailure("It always fails.")


registry.register(TaskType(key="bench_noop", label="Do nothing", parameters=Nothing, perform=perform))
registry.register(TaskType(key="bench_failing", label="Fail", parameters=Nothing, perform=fail))
