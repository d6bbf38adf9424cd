"""Principals: whose jobs they see."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from core.errors import Forbidden
from core.principals import ANONYMOUS, LOCAL, Membership, Principal, PrincipalKind, VisibleJobs
from core.scopes import Role, Scope

ANNA, BERTA = UUID("00000000-0000-7000-8000-00000000000a"), UUID("00000000-0000-7000-8000-00000000000b")
APP, OTHER_APP = UUID("00000000-0000-7000-8000-0000000000a1"), UUID("00000000-0000-7000-8000-0000000000a2")


@pytest.mark.parametrize("principal", [LOCAL, Principal(PrincipalKind.OPERATOR)])
def test_operators_and_those_on_a_machine_of_their_own_see_everyones_jobs(principal: Principal) -> None:
    assert principal.visible_jobs() is None
    assert (principal.is_trusted, principal.name, principal.user_id) == (True, ANONYMOUS, None)


def test_a_user_sees_their_own_jobs_and_an_administrator_everyones() -> None:
    assert Principal(PrincipalKind.USER, ANNA, "anna").visible_jobs() == VisibleJobs(ANNA)
    assert Principal(PrincipalKind.USER, ANNA, "anna", is_admin=True).visible_jobs() is None
    assert not Principal(PrincipalKind.USER, ANNA, "anna", is_admin=True).is_trusted


@pytest.mark.parametrize("kind", [PrincipalKind.RECEIVER, PrincipalKind.VISITOR, PrincipalKind.USER])
def test_who_has_no_account_and_is_not_trusted_sees_no_jobs_rather_than_all(kind: PrincipalKind) -> None:
    with pytest.raises(Forbidden):
        Principal(kind).visible_jobs()


@pytest.mark.parametrize(
    ("role", "granted"),
    [
        (Role.VIEWER, "read"),
        (Role.OPERATOR, "read operate"),
        (Role.DEVELOPER, "read operate jobs"),
        (Role.OWNER, "read operate jobs app"),
    ],
)
def test_a_role_grants_what_the_lower_ones_do_and_more(role: Role, granted: str) -> None:
    anna = member(role)
    assert {scope for scope in Scope if anna.may(scope, None, APP, "acc1")} == set(map(Scope, granted.split()))


def test_a_member_sees_the_jobs_of_their_app_and_none_of_another() -> None:
    anna = member(Role.VIEWER)
    assert anna.sees(None, APP, "acc1")
    assert anna.sees(BERTA, APP, "acc1")
    assert not anna.sees(None, OTHER_APP, "acc1")
    assert anna.sees(ANNA, OTHER_APP, "acc1")  # her own, in a shared app


def test_in_a_scope_only_those_apps_count_whose_role_grants_it() -> None:
    anna = replace(member(Role.VIEWER), memberships=(of(APP, Role.VIEWER), of(OTHER_APP, Role.OPERATOR)))
    assert anna.visible_jobs(Scope.READ) == VisibleJobs(ANNA, frozenset({APP, OTHER_APP}))
    assert anna.app_ids(Scope.READ) == frozenset({APP, OTHER_APP})
    assert anna.app_ids(Scope.OPERATE) == frozenset({OTHER_APP})
    assert anna.app_ids(Scope.APP) == frozenset()
    assert replace(anna, is_admin=True).app_ids(Scope.APP) is None
    assert anna.visible_jobs(Scope.OPERATE) == VisibleJobs(ANNA, frozenset({OTHER_APP}))


def test_a_token_without_a_scope_does_nothing_of_that_kind_whatever_the_role() -> None:
    anna = replace(member(Role.OWNER), scopes=frozenset({Scope.READ}))
    assert anna.may(Scope.READ, None, APP, "acc1")
    assert not anna.may(Scope.OPERATE, None, APP, "acc1")
    with pytest.raises(Forbidden, match="operate"):
        anna.visible_jobs(Scope.OPERATE)
    root = replace(anna, is_admin=True)
    with pytest.raises(Forbidden, match="operate"):
        root.visible_jobs(Scope.OPERATE)


def test_what_is_bound_to_an_account_sees_its_jobs_alone_and_owns_nothing() -> None:
    key = Principal(
        PrincipalKind.KEY, key_id=ANNA, account_id="acc1", memberships=(of(APP, Role.OWNER),), scopes=frozenset(Scope)
    )
    assert key.sees(None, APP, "acc1")
    assert not key.sees(None, APP, "acc2")
    assert not key.sees(None, OTHER_APP, "acc1")


def member(role: Role) -> Principal:
    return Principal(PrincipalKind.USER, ANNA, "anna", memberships=(of(APP, role),))


def of(app_id: UUID, role: Role) -> Membership:
    return Membership(app_id, "app_a", role)
