"""Why something is done, as the caller says it: kept in the audit log."""

from __future__ import annotations

from falcon.asgi import Request

from api import validation
from api.schemas.audit import ReasonQuery


def of(req: Request) -> str | None:
    """Returns the reason that a request gives. Raises `InvalidInput`."""
    return validation.query(ReasonQuery, req.params).reason
