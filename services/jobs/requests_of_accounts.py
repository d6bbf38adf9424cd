"""Restricts the jobs of a key that is bound to one account: `http` requests without the app's secrets, and unsigned.

The secrets belong to the whole app, and so do signatures: a caller who chose the body and the address could collect
either. Callbacks are always signed, so such a key can send them only to the app's own receiver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import secret_references, urls
from core.errors import InvalidInput
from core.principals import Principal
from services.task_types.http import KEY, PLACES_OF_SECRETS, SIGNED


def bounded(principal: Principal, task_type: str, data: Any) -> Any:
    """Returns the data of a job or a run as this principal may give them. Raises `InvalidInput` naming the member."""
    if principal.account_id is None or task_type != KEY or not isinstance(data, Mapping):
        return data
    for member in PLACES_OF_SECRETS:
        if secret_references.names_in(data.get(member)):
            raise InvalidInput.at(
                f"data.{member}",
                f"asks for a secret of the app, and this key is for the account {principal.account_id!r} alone; let "
                "somebody with a role in the app make this job.",
            )
    if data.get(SIGNED) is True:
        raise InvalidInput.at(
            f"data.{SIGNED}",
            f"is true, and this key is for the account {principal.account_id!r} alone: its requests are not signed by "
            "the app; leave it out.",
        )
    return {SIGNED: False, **data}  # another value is for the task type to refuse


def expect_own_receiver(account_id: str, callback_url: str, base_url: str | None) -> None:
    """Raises `InvalidInput` for a callback to another origin than that of the base URL at which its app is called.

    `account_id` is the account to which the key of the caller is bound.
    """
    if base_url is None or urls.origin(callback_url) != urls.origin(base_url):
        raise InvalidInput.at(
            "callback_url",
            f"is {callback_url!r}, and this key is for the account {account_id!r} alone: callbacks are signed by the "
            "app, so it names addresses with the scheme, host and port of the app's callback_base_url. Leave it out, "
            "send a request of the task_type http, or let somebody with a role in the app make this job.",
        )
