"""What a process reports about itself: its kind, host, version and start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from core import instants

_UTC = ZoneInfo("UTC")
_LONGEST = 255


class ProcessKind(StrEnum):
    """The kinds of processes, except workers."""

    WEB = "web"
    COORDINATOR = "coordinator"
    PERIODIC = "periodic"
    EMBEDDED = "embedded"  # all in one, with a worker in it


@dataclass(frozen=True)
class ProcessIdentity:
    """A process that runs."""

    id: UUID
    kind: ProcessKind
    host: str
    pid: int
    version: str
    started_at: datetime

    def as_json(self) -> dict[str, Any]:
        """Returns this in the form that messages carry."""
        return {**asdict(self), "id": str(self.id), "started_at": instants.shown(self.started_at)}

    @classmethod
    def read(cls, value: Any) -> Self | None:
        """Returns the identity in a message; None if it has none, as messages of other releases may."""
        if not isinstance(value, Mapping):
            return None
        try:
            return cls(
                UUID(value["id"]),
                ProcessKind(value["kind"]),
                str(value["host"])[:_LONGEST],
                int(value["pid"]),
                str(value["version"])[:_LONGEST],
                instants.read(value["started_at"], _UTC),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None
