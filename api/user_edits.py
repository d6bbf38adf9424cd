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
    """Raises `Forbidden` where a user asks for a job of an app that is not theirs, or of none."""
    if not principal.sees_all and ownership.membership(principal, members.get("app_name")) is None:
        _expect_for_users(members)


def expect_edit(principal: Principal, view: JobView, wanted: Definition) -> None:
    """Raises `Forbidden` where a user edits more of a job of their own than users may say of such."""
    if not principal.sees_all and view.owner_id is not None:
        _expect_for_users(_changed(view, wanted))


def _expect_for_users(members: Collection[str]) -> None:
    others = sorted(set(members) - FOR_USERS)
    if others:
        raise Forbidden(
            f"{', '.join(others)}: users may not set this for jobs in the shared apps. Jobs of an app are created and "
            "changed by its developers, and by administrators, whom the setting ADMIN_USERNAMES names."
        )


def _changed(view: JobView, wanted: Definition) -> set[str]:
    """The members of a job that an edit changes; from one type that works here to another is no change of these."""
    names = {one.name: "deadline" if one.name == "deadline_at" else one.name for one in fields(Definition)}
    differ = {shown for name, shown in names.items() if getattr(wanted, name) != getattr(view, shown)}
    return differ if registry.find(wanted.task_type) is None else differ - {"task_type"}
