"""What is recorded of a change: the thing, and its values before and after, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from core import masking
from core.masking import MASK

LONGEST_REASON = 500
_LONGEST_VALUE = 2_000  # characters of JSON; for longer values only the length is recorded
_SECRET = re.compile(r"authori[sz]ation|cookie|token|secret|passw|api[-_]?key|credential|signature", re.IGNORECASE)


@dataclass(frozen=True)
class Thing:
    """The thing that was changed: its kind, its id, and its app, if it belongs to one."""

    kind: str
    id: str
    app_id: UUID | None = None

    @classmethod
    def job(cls, row: Any) -> Self:
        """Returns the thing that a job's row stands for."""
        return cls("job", str(row.id), row.app_id)

    @classmethod
    def app(cls, row: Any) -> Self:
        """Returns the thing that an app's row stands for, which people know by its name."""
        return cls("app", row.name, row.id)


INSTALLATION = Thing("installation", "1")


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """Which entries are wanted; a member that is None does not filter. `since` is inclusive, `before` exclusive."""

    app_name: str | None = None
    principal: str | None = None
    thing: str | None = None
    thing_id: str | None = None
    since: datetime | None = None
    before: datetime | None = None


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the values that differ, as they were and as they are."""
    names = [name for name in before if before[name] != after.get(name)]
    return {name: before[name] for name in names}, {name: after.get(name) for name in names}


def recorded(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns values as they are recorded: masked, and long ones replaced by their length."""
    return None if values is None else {name: _bounded(_masked(name, value)) for name, value in values.items()}


def _masked(name: str, value: Any) -> Any:
    if _SECRET.search(name) and value is not None:
        return MASK
    match value:
        case Mapping():
            shown = masking.masked(value) if name.lower() == "headers" else value
            return {key: _masked(str(key), one) for key, one in shown.items()}
        case list() | tuple():
            return [_masked("", one) for one in value]
        case str():
            return masking.addresses(value)
        case _:
            return value


def _bounded(value: Any) -> Any:
    length = len(json.dumps(value, default=str))
    return value if length <= _LONGEST_VALUE else f"({length} characters)"
