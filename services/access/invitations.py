"""Invitations: links for registering where registration is not open to everybody, or as an administrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.accounts import LinkPurpose
from core.auditing import Thing
from core.errors import NotFound
from core.principals import Principal
from core.scopes import ALL_SCOPES
from models import database, links
from models.pauses import Gate
from models.tables import Link
from services.access import links as issued
from services.system import System

_PURPOSES = (LinkPurpose.INVITATION, LinkPurpose.ADMINISTRATOR)


@dataclass(frozen=True)
class InvitationView:
    """An invitation that was not used yet, without its link."""

    id: UUID
    email: str | None
    administrator: bool
    created_by: str
    created_at: datetime
    expires_at: datetime


def listed(principal: Principal, system: System) -> list[InvitationView]:
    """Returns the invitations that were not used yet, newest first. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    with database.reading():
        return [_view(link) for link in links.of_purpose(_PURPOSES, system.clock.now())]


def create(
    principal: Principal, system: System, email: str | None, *, administrator: bool
) -> tuple[str, InvitationView]:
    """Make an invitation; returns its link, which is never shown again, and its view.

    Raises `Forbidden` unless for administrators. Who invites one must have every scope, which the new one will have,
    and show a login or the secret: a token that ends does not make what has no end.
    """
    principal.expect_administration()
    if administrator:
        principal.expect_scopes(ALL_SCOPES)
        principal.expect_no_end("An administrator whom you invite")
    purpose = LinkPurpose.ADMINISTRATOR if administrator else LinkPurpose.INVITATION
    with system.transaction(Gate.UNUSED) as unit:
        token, link = issued.issue(purpose, unit.now, principal.label, user_id=principal.user_id, email=email)
        view = _view(link)
        unit.audit(principal, "invitation.created", Thing("invitation", str(link.id)), after=_recorded(view))
    return issued.address(system, purpose, token), view


def withdraw(principal: Principal, system: System, invitation_id: UUID) -> None:
    """Delete an invitation, so that its link opens nothing. Raises `NotFound`, and `Forbidden` as `create` does."""
    principal.expect_administration()
    with system.transaction(Gate.UNUSED) as unit:
        link = links.remove(invitation_id, _PURPOSES)
        if link is None:
            raise NotFound("invitation", invitation_id)
        thing = Thing("invitation", str(invitation_id))
        unit.audit(principal, "invitation.withdrawn", thing, before=_recorded(_view(link)))


def _recorded(view: InvitationView) -> dict[str, Any]:
    return {"email": view.email, "administrator": view.administrator}


def _view(link: Link) -> InvitationView:
    is_administrators = link.purpose is LinkPurpose.ADMINISTRATOR
    return InvitationView(link.id, link.email, is_administrators, link.created_by, link.created_at, link.expires_at)
