"""A task type that does nothing, so that what is measured is all that surrounds a task."""

from __future__ import annotations

from pydantic import BaseModel

from services.task_types import registry
from services.task_types.registry import Task, TaskType


class Nothing(BaseModel):
    """No parameters."""


def perform(_task: Task) -> None:
    """Do nothing."""


registry.register(TaskType(key="bench_noop", label="Do nothing", parameters=Nothing, perform=perform))
