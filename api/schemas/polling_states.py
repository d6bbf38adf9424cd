"""The states of polling jobs as callers get them, and the request to go back to one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.values import Given, Shown

LATEST_VERSION = 2**31 - 1


class PollingState(Shown):
    """A state that a polling job has had."""

    version: int
    state: dict[str, Any]
    created_at: datetime


class PollingStates(Shown):
    """A polling job's newest states, newest first."""

    results: list[PollingState]


class NewRewind(Given):
    """The version of the state from which polling is to continue."""

    version: Annotated[int, Field(ge=0, le=LATEST_VERSION)]
