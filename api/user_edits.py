"""Which members of their own jobs in the shared apps users may set; the others are for jobs of an app."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Any

from core.errors import Forbidden
from core.principals import Principal
from services.jobs import ownership
from services.jobs.definition import Definition
from services.reading.views import JobView
from services.task_types import registry

FOR_USERS = frozenset({"data", "schedule", "priority", "max_retries"})


def expect_new(principal: Principal, members: Mapping[str, Any]) -> None:
    """Raise `Forbidden` if the job is of no app of the user, and sets more than users may set of their own jobs."""
    if not principal.sees_all and ownership.membership(principal, members.get("app_name")) is None:
        _expect_for_users(members)


def expect_edit(principal: Principal, view: JobView, wanted: Definition) -> None:
    """Raise `Forbidden` if an edit of a user's own job changes more than users may set."""
    if not principal.sees_all and view.owner_id is not None:
        _expect_for_users(_changed(view, wanted))


def _expect_for_users(members: Collection[str]) -> None:
    others = sorted(set(members) - FOR_USERS)
    if others:
        raise Forbidden(
            f"{', '.join(others)}: users may not set this for jobs in the shared apps. Jobs of an app are created and "
            "changed by its developers, and by administrators."
        )


def _changed(view: JobView, wanted: Definition) -> set[str]:
    """Returns the members of a job that an edit changes, without `task_type` if the new type is one that works here."""
    names = {one.name: "deadline" if one.name == "deadline_at" else one.name for one in fields(Definition)}
    differ = {shown for name, shown in names.items() if getattr(wanted, name) != getattr(view, shown)}
    return differ if registry.find(wanted.task_type) is None else differ - {"task_type"}
