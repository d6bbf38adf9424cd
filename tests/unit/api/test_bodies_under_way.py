"""What one caller may have coming in at once is bounded, whatever others send."""

from __future__ import annotations

from uuid import UUID

import pytest

from api.bodies_under_way import MAX_BYTES, MAX_BYTES_OF_A_STRANGER, BodiesUnderWay, BodyUnderWay
from core.errors import TooMany
from core.principals import LOCAL, Principal, PrincipalKind

ANNA = Principal(PrincipalKind.USER, UUID(int=1), address="192.0.2.1")
KEY = Principal(PrincipalKind.KEY, key_id=UUID(int=2), address="192.0.2.1")
STRANGER, NEIGHBOUR = (Principal(PrincipalKind.VISITOR, address=f"2001:db8::{host}") for host in (1, 2))


def begun(bodies: BodiesUnderWay, who: Principal) -> BodyUnderWay:
    body = bodies.begin(who)
    assert body is not None
    return body


@pytest.mark.parametrize(("who", "most"), [(ANNA, MAX_BYTES), (KEY, MAX_BYTES), (STRANGER, MAX_BYTES_OF_A_STRANGER)])
def test_bodies_of_one_caller_are_counted_together_until_they_are_answered(who: Principal, most: int) -> None:
    bodies = BodiesUnderWay()
    first, second = begun(bodies, who), begun(bodies, who)
    first.take(most - 1)
    second.take(1)
    with pytest.raises(TooMany):
        second.take(1)
    another = begun(bodies, Principal(PrincipalKind.USER, UUID(int=3)))
    another.take(1)
    first.end()
    second.take(most - 1)
    for body in (second, another):
        body.end()
    assert not bodies._bytes


def test_strangers_of_one_household_are_one() -> None:
    bodies = BodiesUnderWay()
    begun(bodies, STRANGER).take(MAX_BYTES_OF_A_STRANGER)
    with pytest.raises(TooMany):
        begun(bodies, NEIGHBOUR).take(1)


def test_one_body_alone_is_bounded_by_the_rule_of_its_operation_alone() -> None:
    alone = begun(BodiesUnderWay(), ANNA)
    alone.take(MAX_BYTES)
    alone.take(MAX_BYTES)


def test_operators_have_no_bound() -> None:
    assert BodiesUnderWay().begin(LOCAL) is None
