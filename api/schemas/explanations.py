"""Explanations as callers ask for them and get them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from api.schemas.values import InstantInQuery, Shown
from core.states import RunStatus


class ExplanationQuery(BaseModel):
    """The instant asked about: the nominal instant of an occurrence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: InstantInQuery


class Explanation(Shown):
    """Why a job did or did not run. If the instant is not an occurrence, `previous` and `next` are those around it.

    `blocked_by` is the run of the same job because of which it was skipped. `backfilled_by` is the newest run that a
    backfill made for an occurrence that did not run.
    """

    at: datetime
    answer: str
    run_id: UUID | None
    run_status: RunStatus | None
    previous: datetime | None
    next: datetime | None
    blocked_by: UUID | None
    backfilled_by: UUID | None
