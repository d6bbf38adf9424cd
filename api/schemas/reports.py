"""Problem details (RFC 9457), the health reports, and the API's root, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Literal

from api.schemas.values import Shown
from core.database_faults import DatabaseFault


class WrongField(Shown):
    """One wrong field: its dotted path, and what is wrong with it."""

    field: str
    message: str


class Problem(Shown):
    """What went wrong. `errors` is present if fields were wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[WrongField] | None = None


class Alive(Shown):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ShownTrouble(Shown):
    """What is wrong with a part (a queue, the database, a process), and what to do about it.

    `fault` names what is wrong with the database.
    """

    part: str
    detail: str
    remedy: str
    fault: DatabaseFault | None


class Readiness(Shown):
    """Whether requests can be served, and what is wrong."""

    status: Literal["ready", "degraded", "unavailable"]
    database: bool
    broker: bool
    last_beat_age_seconds: float | None
    last_tick_age_seconds: float | None
    troubles: list[ShownTrouble]


class FrontDoor(Shown):
    """What this server is, and where its documentation is."""

    name: str = "Carillon"
    description: str = "A job-scheduling server: jobs posted over HTTP, done at the right time."
    documentation: str = "/swagger/"
    openapi: str = "/openapi.json"
    health: str = "/readyz"
