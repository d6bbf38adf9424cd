"""The kinds of task that Carillon does by itself, as callers get them."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field, RootModel

from api.schemas.values import Shown
from services.task_types.registry import TaskType


class KindOfTask(Shown):
    """A kind of task; `schema` is the JSON Schema of its `data`."""

    model_config = ConfigDict(serialize_by_alias=True)

    key: str
    label: str
    parameters: dict[str, Any] = Field(alias="schema")


class KindsOfTask(RootModel[list[KindOfTask]]):
    """Every kind of task that works here; any other `task_type` calls the application back."""


def shown(task_type: TaskType) -> KindOfTask:
    """Returns a kind of task as callers get it."""
    schema = task_type.parameters.model_json_schema()
    return KindOfTask.model_validate({"key": task_type.key, "label": task_type.label, "schema": schema})
