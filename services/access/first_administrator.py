"""The first start of a server that others can reach: a link by which its first administrator registers."""

from __future__ import annotations

from core import networks
from core.accounts import LinkPurpose
from models import links, users
from models.pauses import Gate
from services.access import links as issued
from services.system import System

BY = "first start"


def link(system: System) -> str | None:
    """Returns a link that makes its user an administrator, once, within a day; None unless this is the first start.

    It is the first start as long as there is no user, of a server off loopback. Of several processes that start
    together, one is given a link; a later start gives another, and the former opens nothing.
    """
    if system.settings.anonymous or networks.is_loopback(system.settings.host):
        return None
    with system.transaction(Gate.UNUSED) as work:
        links.lock_all()
        if users.is_any() or links.made_since(BY, work.now - issued.SAME_START):
            return None
        links.remove_made_by(BY)
        token, _ = issued.issue(LinkPurpose.ADMINISTRATOR, work.now, BY)
    return issued.address(system, LinkPurpose.ADMINISTRATOR, token)
