"""The options that make a schedule: one for each kind, and what refines it. They derive from `core.schedules.KINDS`."""

from __future__ import annotations

import re
from typing import Any

import typer

from client.derived_options import Option, was_given
from core import schedules
from core.schedules import Schedule
from core.schedules.members import Choice, Form, Member, Number

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}
_KINDS: dict[str, type[Schedule]] = {kind.option.flag: kind for kind in schedules.KINDS.values()}
_SHORT = {"timezone": "--tz"}


def options() -> list[Option]:
    """Returns the options: of the kinds, then of the members that refine them."""
    ways = [
        Option(kind.kind, flag, kind.option.words, str if kind.option.members else bool)
        for flag, kind in _KINDS.items()
    ]
    return [*ways, *map(_refining, _refinements().values())]


def chosen(given: dict[str, Any]) -> dict[str, Any]:
    """Returns what was given to the options of kinds, by option."""
    return {flag: given[kind.kind] for flag, kind in _KINDS.items() if was_given(given.get(kind.kind))}


def refinements(given: dict[str, Any]) -> dict[str, Any]:
    """Returns what was given to the options that refine a schedule, by member."""
    return {name: given[name] for name in _refinements() if was_given(given.get(name))}


def schedule(ways: dict[str, Any], refining: dict[str, Any]) -> dict[str, Any]:
    """Returns the schedule of exactly one option, with what refines it. Raises `typer.BadParameter`."""
    if len(ways) != 1:
        *others, last = _KINDS
        raise typer.BadParameter(f"Give exactly one of {', '.join(others)} and {last}.")
    [(flag, value)] = ways.items()
    refined = {name: inner for name, inner in refining.items() if inner is not None}
    return {"type": _KINDS[flag].kind, **_member_of(_KINDS[flag], value), **refined}


def change(ways: dict[str, Any], refining: dict[str, Any]) -> dict[str, Any]:
    """Returns the schedule of exactly one option as a merge patch. Raises `typer.BadParameter`.

    The other members that the option may give are removed: seconds take the place of a frequency, and it theirs.
    """
    made = schedule(ways, refining)
    return {**dict.fromkeys(schedules.KINDS[made["type"]].option.members), **made}


def seconds(text: str) -> float:
    """Returns the seconds that a time like 90, 90s, 5m, 2h or 1d has. Raises `typer.BadParameter`."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write for example 90, 90s, 5m, 2h or 1d.")
    return float(match[1]) * _SECONDS[match[2]]


def _member_of(kind: type[Schedule], value: Any) -> dict[str, Any]:
    """The member that takes the value of a kind's option."""
    forms = {member.name: member.form for member in kind.members()}
    name = next((name for name in kind.option.members if _takes(forms[name], value)), None)
    if name is None:
        return {}
    return {name: seconds(value) if isinstance(forms[name], Number) else value}


def _takes(form: Form, text: str) -> bool:
    return not isinstance(form, Choice) or text in list(form.words)


def _refinements() -> dict[str, Member]:
    return {
        member.name: member
        for kind in _KINDS.values()
        for member in kind.members()
        if member.writable and member.name not in kind.option.members
    }


def _refining(member: Member) -> Option:
    flags = [flag for flag, kind in _KINDS.items() if member.name in {one.name for one in kind.members()}]
    *others, last = flags
    whose = f"{', '.join(others)} and {last}" if others else last
    number = member.form if isinstance(member.form, Number) else None
    plain = str if number is None else int if number.whole else float
    flag = _SHORT.get(member.name) or f"--{member.name.replace('_', '-')}"
    return Option(member.name, flag, f"Of {whose}: {member.words}.", plain)
