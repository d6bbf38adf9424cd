"""The states of polling jobs as callers get them, and the request to go back to one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.paging import Query
from api.schemas.values import Given, Shown

LATEST_VERSION = 2**31 - 1


class PollingState(Shown):
    """A state that a polling job has had."""

    version: int
    state: dict[str, Any]
    created_at: datetime


class PollingStatesQuery(Query):
    """Which states to return: the newest, or those before a version."""

    before: Annotated[int, Field(ge=0, le=LATEST_VERSION)] | None = None


class PollingStates(Shown):
    """States that a polling job has had, newest first; `next` is the path of older ones."""

    next: str | None
    results: list[PollingState]


class NewRewind(Given):
    """The version of the state from which polling is to continue."""

    version: Annotated[int, Field(ge=0, le=LATEST_VERSION)]
