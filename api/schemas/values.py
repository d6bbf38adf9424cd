"""The types of the fields, each with its rule, its limit and its message."""

from __future__ import annotations

import functools
import re
import zoneinfo
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from api.validation import shown
from core import built_in_apps, instants, limit_keys, names, schedules, urls
from core.policies import CatchUp, Overlap
from core.priority import PRIORITY_WORDS
from core.retry import LONGEST_BACKOFF_SECONDS, MIN_BACKOFF_SECONDS
from core.schedules.interval import Frequency
from core.schedules.members import TEN_YEARS_SECONDS
from core.scopes import Role, Scope
from core.states import Trigger
from core.urls import URL_LENGTH

NAME_LENGTH = 200
EARLIEST_YEAR, LATEST_YEAR = 1970, 2199

_TASK_TYPE = re.compile(r"[A-Za-z0-9._-]{1,100}")
_MAX_INTEGER = 2**63 - 1
_SPACE_FOR_PLUS = re.compile(r"(.+[Tt ][0-9]{2}[0-9:.,]*) ([0-9]{2}:?[0-9]{2})")
_NOT_ZONES = ("localtime", "Factory")  # what these mean differs from machine to machine


class Given(BaseModel):
    """The base of what callers send: nothing is converted, unknown fields are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Shown(BaseModel):
    """The base of what callers get, made from the services' views."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


def _app_name(name: str) -> str:
    """Check an app's name; a name that looks like a built-in app's means that app."""
    fault = names.fault_of_name(name)
    if fault or "/" in name or name in (".", ".."):
        raise ValueError(
            f"is {shown(name)}, which {fault or 'cannot stand in a path'}; it goes into a path, so write printable "
            "characters, no slash, and no space at either end."
        )
    return built_in_apps.canonical(name)


def _name(name: str) -> str:
    if fault := names.fault_of_name(name):
        raise ValueError(
            f"is {shown(name)}, which {fault}; write printable characters of any script, and no space at either end."
        )
    return name


def _identifier(value: Any) -> str | int:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"must be text or a whole number, not {shown(value)}.")  # noqa: TRY004  pydantic's way
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise ValueError("is too large a number; write it as text.")
    if isinstance(value, str) and not 1 <= len(value) <= NAME_LENGTH:
        raise ValueError(f"must have 1 to {NAME_LENGTH} characters, not {len(value)}.")
    return value


def _account_id(value: Any) -> str:
    return str(_identifier(value))


def _task_type(name: str) -> str:
    if _TASK_TYPE.fullmatch(name) is None or name in (".", ".."):
        raise ValueError(
            f"is {shown(name)}; it goes into the callback's path, so write 1 to 100 letters, digits, "
            "dots, hyphens or underscores."
        )
    return name


def _url(url: str) -> str:
    if fault := urls.fault_of(url):
        raise ValueError(fault)
    return url


def _base_url(url: str) -> str:
    if "?" in url or "#" in url:
        raise ValueError("has a query or fragment; a path is appended to it, so leave these out.")
    return _url(url)


def _limit_key(text: str) -> str:
    if fault := limit_keys.fault_of_template(text):
        raise ValueError(fault)
    return text


def _priority(value: Any) -> int:
    if isinstance(value, str) and value in PRIORITY_WORDS:
        return PRIORITY_WORDS[value]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 9:  # noqa: PLR2004  priorities
        raise ValueError(f"must be a whole number from 0 to 9, or high, medium or low, not {shown(value)}.")
    return value


def _zone(name: Any) -> str:
    if not isinstance(name, str) or name not in _zones():
        raise ValueError(f"is {shown(name)}, which is not an IANA time zone; write for example Europe/Berlin.")
    return name


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones()).difference(_NOT_ZONES)


def instant(value: Any, zone: str = "UTC") -> datetime:
    """Returns the instant of an ISO 8601 text; without an offset, it is local time in `zone`."""
    example = "write ISO 8601, for example 2026-03-01T09:30:00Z."
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {shown(value)}; {example}")  # noqa: TRY004  pydantic's way
    try:
        found = instants.read(value, ZoneInfo(zone))
    except OverflowError:
        found = None
    except ValueError as error:
        raise ValueError(f"is {shown(value)}, which {error}; {example}") from None
    if found is None or not EARLIEST_YEAR <= int(value[:4]) <= LATEST_YEAR:
        raise ValueError(f"is {shown(value)}; its year must be from {EARLIEST_YEAR} to {LATEST_YEAR}.")
    return found


def _instant_in_query(value: Any) -> datetime:
    """Read an instant from a query, where an unescaped `+` arrives as a space."""
    spaced = _SPACE_FOR_PLUS.fullmatch(value) if isinstance(value, str) else None
    return instant("+".join(spaced.groups()) if spaced else value)


_IDENTIFIER_SCHEMA = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": NAME_LENGTH}, {"type": "integer"}]}
_URL_SCHEMA = {"type": "string", "format": "uri", "maxLength": URL_LENGTH, "pattern": "^https?://"}
INSTANT_SCHEMA = {
    "type": "string",
    "description": "RFC 3339 or ISO 8601; without an offset it is UTC, or local time in `timezone` if that is given. "
    "A leap second means the second after it.",
    "examples": ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00"],
}

AppName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_app_name)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_name)]
Identifier = Annotated[str | int, PlainValidator(_identifier), WithJsonSchema(_IDENTIFIER_SCHEMA)]
AccountId = Annotated[str, PlainValidator(_account_id), WithJsonSchema(_IDENTIFIER_SCHEMA)]
TaskType = Annotated[
    str,
    AfterValidator(_task_type),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$"}),
]
Url = Annotated[str, Field(max_length=URL_LENGTH), AfterValidator(_url), WithJsonSchema(_URL_SCHEMA)]
BaseUrl = Annotated[str, Field(max_length=URL_LENGTH), AfterValidator(_base_url), WithJsonSchema(_URL_SCHEMA)]
LimitKey = Annotated[
    str,
    Field(min_length=1, max_length=limit_keys.NAME_LENGTH),
    AfterValidator(_limit_key),
    Field(examples=["{{data.customer}}"]),
]
Priority = Annotated[
    int,
    PlainValidator(_priority),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9}, {"enum": list(PRIORITY_WORDS)}]}),
]
Zone = Annotated[
    str,
    PlainValidator(_zone),
    WithJsonSchema({"type": "string", "description": "An IANA time zone.", "examples": ["Europe/Berlin"]}),
]
Instant = Annotated[datetime, PlainValidator(instant), WithJsonSchema(INSTANT_SCHEMA)]
InstantInQuery = Annotated[datetime, PlainValidator(_instant_in_query), WithJsonSchema(INSTANT_SCHEMA)]
Seconds = Annotated[float, Field(gt=0, le=TEN_YEARS_SECONDS, allow_inf_nan=False)]
Backoff = Annotated[float, Field(ge=MIN_BACKOFF_SECONDS, le=LONGEST_BACKOFF_SECONDS, allow_inf_nan=False)]
Retries = Annotated[int, Field(ge=0, le=100)]

if TYPE_CHECKING:
    ScheduleKind = str
    CatchUpWord = str
    OverlapWord = str
    ScopeWord = str
    RoleWord = str
    TriggerWord = str
    FrequencyWord = str
else:
    ScheduleKind = Literal[tuple(schedules.KINDS)]
    CatchUpWord = Literal[tuple(one.value for one in CatchUp)]
    OverlapWord = Literal[tuple(one.value for one in Overlap)]
    ScopeWord = Literal[tuple(one.value for one in Scope)]
    RoleWord = Literal[tuple(one.value for one in Role)]
    TriggerWord = Literal[tuple(one.value for one in Trigger)]
    FrequencyWord = Literal[tuple(one.value for one in Frequency)]
