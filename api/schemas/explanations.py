"""Explanations as callers ask for them and get them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.schemas.values import InstantInQuery, Shown
from core.states import RunStatus


class ExplanationQuery(BaseModel):
    """The instant that is asked about: an occurrence's nominal one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: InstantInQuery


class Explanation(Shown):
    """Why a job did or did not run; `previous` and `next` are the occurrences around an instant that is none itself."""

    at: datetime
    answer: str
    run_id: UUID | None
    run_status: RunStatus | None
    previous: datetime | None
    next: datetime | None
