"""E-mail in the outbox as callers get it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.paging import MAX_IN_PAGE, Query
from api.schemas.values import Shown
from services.email import outbox


class OutboxQuery(Query):
    """How many to return."""

    limit: Annotated[int, Field(ge=1, le=MAX_IN_PAGE)] = 50


class OutboxEmail(Shown):
    """An e-mail that was stored instead of sent."""

    id: UUID
    sent_at: datetime
    sender: str
    recipient: str
    subject: str


class OutboxList(Shown):
    """The newest e-mails in the outbox, newest first."""

    results: list[OutboxEmail]


class WholeOutboxEmail(OutboxEmail):
    """An e-mail with its headers and text; `html` is its HTML alternative, or null."""

    headers: dict[str, str]
    text: str
    html: str | None

    @classmethod
    def of(cls, found: outbox.WholeEmail) -> WholeOutboxEmail:
        """Returns the e-mail as it is shown."""
        brief = OutboxEmail.model_validate(found.kept)
        return cls(**brief.model_dump(), headers=found.headers, text=found.text, html=found.html)
