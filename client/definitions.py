"""A job's definition in its canonical form, so that a field written out and one left to its default compare equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from client.job_fields import JOB_FIELDS
from core import instants, schedules
from core.masking import addresses, masked
from core.priority import PRIORITY_WORDS
from core.schedules.members import Instant, Member, Zone

MARK = "managed-by:apply"
"""The tag on what `apply` has created or changed: only that is ever removed. It is no part of the comparison."""

_FIELDS = tuple(one for one in JOB_FIELDS if one.name != "app_name")
NEEDED = tuple(one.name for one in _FIELDS if one.is_needed)
DEFAULTS: dict[str, Any] = {one.name: one.default for one in _FIELDS if not one.is_needed}
FIELDS = ("name", *NEEDED, *(name for name in DEFAULTS if name != "name"))

_SERVERS_OWN = {one.name for kind in schedules.KINDS.values() for one in kind.members() if not one.writable}

_HTTP = "http"  # the task type whose data has headers

Definition = dict[str, Any]
Path = tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One field that differs, by its dotted path."""

    field: str
    old: Any
    new: Any


def canonical(definition: Definition) -> Definition:
    """Returns a definition, written or shown, with every field in its one form."""
    known = {name: definition[name] for name in FIELDS if definition.get(name) is not None}
    full = {**dict.fromkeys(NEEDED), **DEFAULTS, **known}
    return {
        **full,
        "account_id": _account(full["account_id"]),
        "tags": _tags(full["tags"]),
        "priority": _priority(full["priority"]),
        "deadline": _instant(full["deadline"], "UTC"),
        "schedule": _schedule(full["schedule"]),
        "keep": _keep(full["keep"]),
    }


def without_defaults(definition: Definition) -> Definition:
    """Returns a definition as short as it can be written, in the order of the fields."""
    full = canonical(definition)
    return {name: full[name] for name in FIELDS if name in NEEDED or not _same(full[name], DEFAULTS[name])}


def changes(old: Definition, new: Definition) -> tuple[Change, ...]:
    """Returns the fields in which two definitions differ.

    Headers and addresses with a secret in plain are compared, and told, as the server shows them: it never tells what
    they hold.
    """
    before, after = (dict(_leaves(_masked(canonical(one)))) for one in (old, new))
    return tuple(
        Change(".".join(path), before.get(path), after.get(path))
        for path in dict.fromkeys([*before, *after])
        if _differ(path, before, after)
    )


def not_compared(definition: Definition) -> list[str]:
    """Returns the names of the headers and addresses with a secret in plain, whose values the server does not tell."""
    headers, shown = _headers(definition), _masked(definition)
    shown_headers = _headers(shown)
    return [
        *(name for name, value in headers.items() if shown_headers[name] != value),
        *(name for name, url in _addresses(definition).items() if _addresses(shown)[name] != url),
    ]


def _masked(definition: Definition) -> Definition:
    """Returns a definition as the server shows it."""
    shown = {**definition, "callback_url": _masked_address(definition.get("callback_url"))}
    if definition.get("task_type") != _HTTP or not isinstance(definition.get("data"), dict):
        return shown
    data = dict(definition["data"])
    if headers := _headers(definition):
        data["headers"] = masked(headers)
    if "url" in data:
        data["url"] = _masked_address(data["url"])
    return {**shown, "data": data}


def _addresses(definition: Definition) -> dict[str, Any]:
    """Returns the addresses that may hold a secret, by their names."""
    of_callback, data = {"callback_url": definition.get("callback_url")}, definition.get("data")
    if definition.get("task_type") != _HTTP or not isinstance(data, dict):
        return of_callback
    return {**of_callback, "data.url": data.get("url")}


def _masked_address(url: Any) -> Any:
    return addresses(url) if isinstance(url, str) else url


def _headers(definition: Definition) -> dict[str, Any]:
    data = definition.get("data")
    headers = data.get("headers") if isinstance(data, dict) and definition.get("task_type") == _HTTP else None
    return headers if isinstance(headers, dict) else {}


def _differ(path: Path, before: dict[Path, Any], after: dict[Path, Any]) -> bool:
    if path in before and path in after:
        return not _same(before[path], after[path])
    whole = len(path) == 1 and before.get(path, after.get(path)) in (None, {})
    return not whole  # of an object that was empty or is, the members tell


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yields the values of an object by their paths; a list is one value."""
    if not isinstance(value, dict) or not value:
        yield path, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, (*path, name))


def _schedule(schedule: Any) -> Any:
    if not isinstance(schedule, dict):
        return schedule
    given = {name: value for name, value in schedule.items() if value is not None and name not in _SERVERS_OWN}
    kind = schedules.KINDS.get(str(given.get("type")))
    for member in kind.members() if kind else ():
        given.update(_member(member, given))
    hidden = {member.name for member in kind.members() if not member.shown} if kind else set()
    return {name: value for name, value in given.items() if name not in hidden}


def _member(member: Member, given: dict[str, Any]) -> dict[str, Any]:
    """The canonical value of a member that has one of its own."""
    zone = given.get("timezone", "UTC")
    match member.form:
        case Zone() if member.default is not None:
            return {member.name: given.get(member.name, member.default)}
        case Instant() if member.name in given:
            return {member.name: _instant(given[member.name], zone)}
        case _:
            return {}


def _instant(value: Any, zone: Any) -> Any:
    """Returns an instant in UTC; anything else stays as it is, for the server to refuse."""
    try:
        return instants.shown(instants.read(value, ZoneInfo(zone)))
    except (AttributeError, LookupError, OSError, OverflowError, TypeError, ValueError):  # LookupError: no such zone
        return value


def _keep(value: Any) -> Any:
    """Returns a rule without the members that it does not give, which the server shows as null."""
    return {name: inner for name, inner in value.items() if inner is not None} if isinstance(value, dict) else value


def _account(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tags(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        return value
    return sorted({tag for tag in value if tag != MARK})


def _priority(value: Any) -> Any:
    return PRIORITY_WORDS.get(value, value) if isinstance(value, str) else value


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 30 is 30.0, but 1 is not true."""
    return bool(one == other) and _kinds(one) == _kinds(other)


def _kinds(value: Any) -> Any:
    """Returns the kinds of all parts of a value."""
    match value:
        case dict():
            return {name: _kinds(inner) for name, inner in value.items()}
        case list():
            return [_kinds(inner) for inner in value]
        case int() | float() if not isinstance(value, bool):
            return "number"
        case _:
            return type(value).__name__
