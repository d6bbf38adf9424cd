"""Makes the link by which the first administrator registers, on a server that others can reach."""

from __future__ import annotations

from core import networks
from core.accounts import LinkPurpose
from models import links
from models.pauses import Gate
from services.access import links as issued
from services.access import users
from services.system import System

BY = "first start"


def link(system: System) -> str | None:
    """Returns a link that makes its user an administrator, once, within a day; None where there is one.

    Only a server that listens beyond loopback makes one, and only while no user is an administrator. Of several
    processes that start together, one makes a link; a later start makes another, and the former opens nothing.
    """
    if system.settings.anonymous or networks.is_loopback(system.settings.host):
        return None
    with system.transaction(Gate.UNUSED) as unit:
        links.lock_all()
        if users.is_any_active_administrator(system) or links.made_since(BY, unit.now - issued.SAME_START):
            return None
        links.remove_made_by(BY)
        token, _ = issued.issue(LinkPurpose.ADMINISTRATOR, unit.now, BY)
    return issued.address(system, LinkPurpose.ADMINISTRATOR, token)
