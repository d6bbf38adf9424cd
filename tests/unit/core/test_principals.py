"""Principals: whose jobs they see."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.errors import Forbidden
from core.principals import ANONYMOUS, LOCAL, Principal, PrincipalKind

ANNA = UUID("00000000-0000-7000-8000-00000000000a")


@pytest.mark.parametrize("principal", [LOCAL, Principal(PrincipalKind.OPERATOR)])
def test_operators_and_those_on_a_machine_of_their_own_see_everyones_jobs(principal: Principal) -> None:
    assert principal.visible_owner_id is None
    assert (principal.is_trusted, principal.name, principal.user_id) == (True, ANONYMOUS, None)


def test_a_user_sees_their_own_jobs_and_an_administrator_everyones() -> None:
    assert Principal(PrincipalKind.USER, ANNA, "anna").visible_owner_id == ANNA
    assert Principal(PrincipalKind.USER, ANNA, "anna", is_admin=True).visible_owner_id is None
    assert not Principal(PrincipalKind.USER, ANNA, "anna", is_admin=True).is_trusted


@pytest.mark.parametrize("kind", [PrincipalKind.RECEIVER, PrincipalKind.VISITOR, PrincipalKind.USER])
def test_who_has_no_account_and_is_not_trusted_sees_no_jobs_rather_than_all(kind: PrincipalKind) -> None:
    with pytest.raises(Forbidden):
        _ = Principal(kind).visible_owner_id
