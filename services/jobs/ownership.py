"""Who may own a new job: its user in a shared app, or an app in which the principal may create jobs."""

from __future__ import annotations

from dataclasses import replace

from core import built_in_apps, names
from core.errors import Forbidden, InvalidInput, NotFound
from core.principals import Membership, Principal
from core.scopes import Scope
from services.jobs import requests_of_accounts
from services.jobs.creation_outcomes import Refusal
from services.jobs.definition import Definition, NewJob


def permitted(principal: Principal, new: NewJob | Refusal) -> NewJob | Refusal:
    """Returns a new job in the form in which the principal may create it, or why it is refused.

    An app that the principal may not see counts as missing. Raises `Forbidden` if they may not create jobs there.
    """
    principal.expect_scope(Scope.JOBS)
    if not isinstance(new, NewJob):
        return new
    new = replace(new, created_by=principal.label, creator=principal, trace=principal.trace)
    if principal.sees_all:
        return new
    if principal.user_id is not None and new.app_name in built_in_apps.NAMES:
        return _own(principal, new)
    member = membership(principal, new.app_name)
    return NotFound("app", new.app_name) if member is None else _of_app(principal, member, new)


def membership(principal: Principal, app_name: object) -> Membership | None:
    """Returns the principal's membership of the app with this name, in any spelling."""
    if not isinstance(app_name, str):
        return None
    key = names.folded(app_name)
    return next((one for one in principal.memberships if names.folded(one.app_name) == key), None)


def check_edit(principal: Principal, before: Definition, wanted: Definition) -> Definition:
    """Returns the new definition of a job. Raises `InvalidInput` for a change forbidden to a key of one account."""
    if not _is_of_account(principal, wanted):
        raise _other_account(principal, wanted)
    if wanted.limit_key != before.limit_key and not _has_own_limit_key(principal, wanted):
        raise _other_limit_key(principal, wanted)
    if (before.task_type, before.data) == (wanted.task_type, wanted.data):
        return wanted
    return replace(wanted, data=requests_of_accounts.bounded(principal, wanted.task_type, wanted.data))


def _own(principal: Principal, new: NewJob) -> NewJob:
    if new.owner_id != principal.user_id:
        raise Forbidden("In a shared app you can create only jobs of your own; name an app of which you are a member.")
    return new


def _of_app(principal: Principal, member: Membership, new: NewJob) -> NewJob | Refusal:
    """Returns a job bound to this app by its id, even if another app takes its name."""
    if Scope.JOBS not in member.role.scopes:
        raise Forbidden(
            f"Your role in {member.app_name} is {member.role.value}; creating jobs there needs the role developer."
        )
    if not _is_of_account(principal, new):
        return _other_account(principal, new)
    if not _has_own_limit_key(principal, new):
        return _other_limit_key(principal, new)
    try:
        data = requests_of_accounts.bounded(principal, new.task_type, new.data)
    except InvalidInput as refusal:
        return refusal
    return replace(new, owner_id=None, app_id=member.app_id, data=data, bound_to=principal.account_id)


def _is_of_account(principal: Principal, wanted: Definition) -> bool:
    return principal.account_id in (None, wanted.account_id)


def _has_own_limit_key(principal: Principal, wanted: Definition) -> bool:
    """Whether a job's own limit key, whose room its users share, is within the account that the caller is bound to."""
    account, key = principal.account_id, wanted.limit_key
    return account is None or key is None or key == account or key.startswith(f"{account}/")


def _other_limit_key(principal: Principal, wanted: Definition) -> InvalidInput:
    return InvalidInput.at(
        "limit_key",
        f"is {wanted.limit_key!r}, and this key is for the account {principal.account_id!r} alone; give it, or text "
        f"that begins with {f'{principal.account_id}/'!r}.",
    )


def _other_account(principal: Principal, wanted: Definition) -> InvalidInput:
    return InvalidInput.at(
        "account_id", f"is {wanted.account_id!r}, and this key is for the account {principal.account_id!r} alone."
    )
