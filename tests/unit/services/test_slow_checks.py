"""Slow checks: each is made between two tries of what needs it, once for each value, and its outcome is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core.errors import Conflict, InvalidInput
from services.runtime import slow_checks


class Tried:
    """Tries something that needs checks; tells in which order what happened."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def checked(self, value: object) -> object:
        return slow_checks.outcome("value", value, lambda: self._check(value))

    def trying(self, *values: object) -> Callable[[], list[object]]:
        def act() -> list[object]:
            self.events.append("begun")
            found = [self.checked(value) for value in values]
            self.events.append("done")
            return found

        return act

    def _check(self, value: object) -> object:
        self.events.append(f"checked {value}")
        return value


@pytest.fixture
def tried() -> Tried:
    return Tried()


def test_what_needs_a_check_begins_again_after_it(tried: Tried) -> None:
    assert slow_checks.made_before(tried.trying(17)) == [17]
    assert tried.events == ["begun", "checked 17", "begun", "done"]


def test_a_decorated_function_gets_its_checks_and_its_arguments(tried: Tried) -> None:
    @slow_checks.before_transaction
    def act(first: int, *, second: int) -> list[object]:
        return tried.trying(first, second)()

    assert act(17, second=18) == [17, 18]
    assert tried.events == ["begun", "checked 17", "begun", "checked 18", "begun", "done"]


def test_what_needs_no_check_happens_once(tried: Tried) -> None:
    assert slow_checks.made_before(tried.trying()) == []
    assert tried.events == ["begun", "done"]


def test_equal_values_are_checked_once_and_unlike_json_is_not_equal(tried: Tried) -> None:
    assert slow_checks.made_before(tried.trying({"n": 1}, {"n": 1}, {"n": True})) == [{"n": 1}, {"n": 1}, {"n": True}]
    assert [event for event in tried.events if event.startswith("checked")] == [
        "checked {'n': 1}",
        "checked {'n': True}",
    ]


def test_a_refusal_is_raised_where_the_outcome_is_asked_for() -> None:
    tries = []

    def refuse() -> None:
        raise InvalidInput.at("data", "is wrong.")

    def act() -> None:
        tries.append("begun")
        try:
            slow_checks.outcome("value", 1, refuse)
        except InvalidInput:
            tries.append("refused")
            raise

    with pytest.raises(InvalidInput, match="is wrong"):
        slow_checks.made_before(act)
    assert tries == ["begun", "begun", "refused"]


def test_within_another_a_check_begins_the_outer_one_again(tried: Tried) -> None:
    def outer() -> list[object]:
        tried.events.append("outer begun")
        return slow_checks.made_before(tried.trying(17))

    slow_checks.made_before(outer)
    assert tried.events == ["outer begun", "begun", "checked 17", "outer begun", "begun", "done"]


def test_a_check_that_nothing_waits_for_is_made_at_once(tried: Tried) -> None:
    assert tried.trying(17)() == [17]
    assert tried.events == ["begun", "checked 17", "done"]


def test_a_check_asks_for_others_at_once(tried: Tried) -> None:
    def both() -> object:
        return tried.checked(2)

    assert slow_checks.made_before(lambda: slow_checks.outcome("both", 1, both)) == 2


def test_what_needs_another_check_each_time_is_refused_in_the_end(tried: Tried) -> None:
    values = iter(range(1_000))
    with pytest.raises(Conflict, match="send it again"):
        slow_checks.made_before(lambda: tried.checked(next(values)))
    assert len(tried.events) == slow_checks.MAX_TRIES
