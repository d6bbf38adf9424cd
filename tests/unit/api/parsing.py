"""Bodies and queries as models, and the fields that are wrong in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from api import bodies, validation
from core.errors import InvalidInput

GOOD: dict[str, Any] = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "polling_task",
    "schedule": {"type": "polling", "interval_seconds": 30},
    "data": {"some_key": "some_value"},
}
LEFT_OUT = object()
LONG = "x" * 201


def parsed(model: type[BaseModel], text: str) -> Any:
    return validation.body(model, bodies.parse(text.encode()))


def wrong_fields(model: type[BaseModel], value: Any) -> dict[str, str]:
    """Every wrong field and its message."""
    with pytest.raises(InvalidInput) as refused:
        parsed(model, json.dumps(value))
    return {fault.field: fault.message for fault in refused.value.fields}


def job_with(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**GOOD, **changes}.items() if value is not LEFT_OUT}


def schedule(kind: str, **fields: Any) -> dict[str, Any]:
    return {"schedule": {"type": kind, **fields}}


def cron(**fields: Any) -> dict[str, Any]:
    return schedule("cron", **{"expression": "0 9 * * *", **fields})
