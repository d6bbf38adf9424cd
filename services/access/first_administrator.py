"""The start of a server that others can reach and nobody administers: a link by which its administrator registers."""

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

    It is given off loopback alone, as long as no user is an administrator, whoever else has registered. Of several
    processes that start together, one is given a link; a later start gives another, and the former opens nothing.
    """
    if system.settings.anonymous or networks.is_loopback(system.settings.host):
        return None
    with system.transaction(Gate.UNUSED) as work:
        links.lock_all()
        if users.is_any_admin(system) or links.made_since(BY, work.now - issued.SAME_START):
            return None
        links.remove_made_by(BY)
        token, _ = issued.issue(LinkPurpose.ADMINISTRATOR, work.now, BY)
    return issued.address(system, LinkPurpose.ADMINISTRATOR, token)
