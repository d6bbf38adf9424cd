"""Slow checks, which are made while no transaction is open: others would wait for its locks, on SQLite all who write.

What must be checked is often known only under a lock: the data that an edit leaves a job with, the task type that the
data of a run are for. So a transaction that needs a check is rolled back, the check is made, and the transaction begins
again, as after a lost race. It then finds the outcome, or needs another check because of what changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar, cast

from core import json_text
from core.errors import Conflict, Forbidden, InvalidInput

MAX_TRIES = 5

Returned = TypeVar("Returned")
P = ParamSpec("P")
Checked = tuple[str, bytes]  # the name of a check, and the JSON that it is about

_outcomes: ContextVar[dict[Checked, Callable[[], Any]] | None] = ContextVar("outcomes", default=None)


class _Needed(Exception):  # noqa: N818  asks for a check, and never leaves this module
    """A check must be made before the transaction can go on."""

    def __init__(self, checked: Checked, check: Callable[[], Any]) -> None:
        super().__init__(checked[0])
        self.checked = checked
        self.check = check


def made_before(act: Callable[[], Returned]) -> Returned:
    """Returns what `act` returns, which opens a transaction; it is called again for each check that it needs.

    Within another call of this function, `act` is part of the outer one. Raises `Conflict` if each try needs a check
    that none before needed.
    """
    if _outcomes.get() is not None:
        return act()
    outcomes: dict[Checked, Callable[[], Any]] = {}
    for _ in range(MAX_TRIES):
        token = _outcomes.set(outcomes)
        try:
            return act()
        except _Needed as needed:
            missing = needed
        finally:
            _outcomes.reset(token)
        outcomes[missing.checked] = _outcome(missing.check)
    raise Conflict(
        f"What this request changes was changed {MAX_TRIES} times by others while it was checked; send it again."
    )


def before_transaction(act: Callable[P, Returned]) -> Callable[P, Returned]:
    """Decorate a function that opens a transaction: `made_before` makes the checks that it needs."""

    @wraps(act)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Returned:
        return made_before(partial(act, *args, **kwargs))

    return checked


def outcome(name: str, value: Any, check: Callable[[], Returned]) -> Returned:
    """Returns what `check` returns for a JSON value, or raises the `InvalidInput` or `Forbidden` that it raises.

    Within `made_before`, the check is made once for each value, outside of the transaction.
    """
    outcomes = _outcomes.get()
    if outcomes is None:
        return check()
    checked = (name, json_text.compact(value))
    if checked not in outcomes:
        raise _Needed(checked, check)
    return cast("Returned", outcomes[checked]())


def _outcome(check: Callable[[], Any]) -> Callable[[], Any]:
    """Make a check. Returns a function that returns what it returned, or raises its refusal."""
    try:
        returned = check()
    except (InvalidInput, Forbidden) as raised:
        refusal = raised

        def refuse() -> Any:
            raise refusal

        return refuse
    return lambda: returned
