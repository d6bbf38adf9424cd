"""Quotas of apps as callers write them and get them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.schemas.values import Given, Shown
from core.quotas import Quotas
from core.schedules.members import TEN_YEARS_SECONDS

MOST = 1_000_000_000


class NewQuotas(Given):
    """An app's quotas; a member that is left out or null is not limited."""

    jobs: Annotated[int, Field(ge=0, le=MOST)] | None = None
    waiting_runs: Annotated[int, Field(ge=0, le=MOST)] | None = None
    shortest_interval_seconds: Annotated[float, Field(gt=0, le=TEN_YEARS_SECONDS, allow_inf_nan=False)] | None = None
    payload_bytes: Annotated[int, Field(ge=0, le=MOST)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=MOST)] | None = None

    def parsed(self) -> Quotas:
        """Returns this as the services take it."""
        return Quotas(**self.model_dump())


class ShownQuotas(Shown):
    """An app's quotas; null means unlimited."""

    jobs: int | None
    waiting_runs: int | None
    shortest_interval_seconds: float | None
    payload_bytes: int | None
    requests_per_minute: int | None


class TakenOfApp(Shown):
    """What an app has taken of its quotas, counted up to each quota; 0 where it has none.

    A key of one account gets what that account has taken.
    """

    jobs: int
    waiting_runs: int


class QuotasOfApp(Shown):
    """An app's quotas, and what it has taken: jobs, those that ended and are kept included, and due runs that wait."""

    quotas: ShownQuotas
    taken: TakenOfApp
