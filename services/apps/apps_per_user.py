"""Limits how many apps a user may create.

Quotas apply per app, so without this limit a user could avoid them by creating more apps. An app counts for its creator
until it is deleted, even if somebody else owns it by then.
"""

from __future__ import annotations

from core.errors import Conflict
from core.principals import Principal
from models import apps, users
from services.system import System


def refuse_more(principal: Principal, system: System) -> None:
    """Raise `Conflict` if a user has made APPS_PER_USER apps; administrators may make any number.

    In the caller's transaction, in which no other of the user's apps can be made.
    """
    most = system.settings.apps_per_user
    if principal.user_id is None or principal.sees_all or most == 0:
        return
    users.lock(principal.user_id)
    if apps.count_of_maker(principal.user_id) >= most:
        raise Conflict(
            f"You have made {most} apps, as many as APPS_PER_USER={most} allows each user; delete one that is no "
            "longer used, or ask an administrator to make it."
        )
