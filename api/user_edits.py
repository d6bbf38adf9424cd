"""Which members of a job users may set; the others are for administrators and operators."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields

from core.errors import Forbidden
from core.principals import Principal
from services.jobs.definition import Definition
from services.reading.views import JobView
from services.task_types import registry

FOR_USERS = frozenset({"data", "schedule", "priority", "max_retries"})


def expect_for_users(principal: Principal, members: Collection[str]) -> None:
    """Raise `Forbidden` where a user, whose jobs are typed ones, names a member that only jobs of an app have."""
    others = sorted(set(members) - FOR_USERS)
    if principal.visible_owner_id is not None and others:
        raise Forbidden(
            f"{', '.join(others)}: users may not set this. Only administrators, whom the setting ADMIN_USERNAMES "
            "names, create and change jobs of an app."
        )


def changed(view: JobView, wanted: Definition) -> set[str]:
    """Returns the members of a job that an edit changes, without `task_type` if the new type is one that works here."""
    names = {one.name: "deadline" if one.name == "deadline_at" else one.name for one in fields(Definition)}
    differ = {shown for name, shown in names.items() if getattr(wanted, name) != getattr(view, shown)}
    return differ if registry.find(wanted.task_type) is None else differ - {"task_type"}
