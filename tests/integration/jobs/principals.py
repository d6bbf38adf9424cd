"""Users as principals, and the jobs that they make."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core.principals import Principal, PrincipalKind
from core.schedules import DelayFromNow
from services.jobs import creating
from services.system import System
from tests.factories import GivenSystem, new_job
from tests.integration.access.users import ANNA, registered


def user(system: GivenSystem, name: str) -> Principal:
    return Principal(
        PrincipalKind.USER, registered(system, replace(ANNA, username=name, email=f"{name}@example.com")).id, name
    )


def made_by(principal: Principal, system: System) -> UUID:
    return creating.create(principal, system, new_job(DelayFromNow(60), app_name="default", owner_id=principal.user_id))
