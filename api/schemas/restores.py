"""What is held since the database was taken back, and what is to be released of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.audit import Reason
from api.schemas.paging import Filter
from api.schemas.values import Given, Shown
from services.restoring.releasing import Slice

_MOST = 100_000


class HeldApp(Shown):
    """What is held of an app: runs that had begun before the backup, and others that are due."""

    app_name: str
    begun: int
    not_begun: int
    oldest_due_at: datetime | None
    newest_due_at: datetime | None


class Restore(Shown):
    """When a restore of the database was noticed, and to which instant it went back.

    Both are null if there was none, or all runs are released.
    """

    restored_at: datetime | None
    restored_to: datetime | None
    apps: list[HeldApp]


class NewRelease(Given):
    """What to release, of one app or of all: `runs` (longest due first), or the rest, with which the app goes on.

    `begun` chooses only those that had begun before the backup, or only those that had not. `discard` cancels
    them instead.
    """

    app_name: Filter | None = None
    runs: Annotated[int, Field(ge=1, le=_MOST)] | None = None
    begun: bool | None = None
    discard: bool = False
    reason: Reason | None = None

    def wanted(self) -> Slice:
        """Returns this as the services take it."""
        return Slice(self.app_name, self.runs, self.begun, self.discard)


class Release(Shown):
    """How many runs were released or discarded, and what is still held."""

    runs: int
    left: Restore
