"""The members of a schedule's JSON form: what each is called, and what it may hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

TEN_YEARS_SECONDS = 10 * 365 * 86_400
DAY_SECONDS = 86_400
MAX_RUNS = 1_000_000_000

Check = Callable[[Any, Mapping[str, Any]], str | None]
"""Returns what is wrong with a value, given the members before it; None if nothing is."""


@dataclass(frozen=True)
class Number:
    """A number within bounds; a whole one if so declared."""

    at_least: float | None = None
    more_than: float | None = None
    at_most: float | None = None
    whole: bool = False

    def value_of(self, given: Any) -> Any:
        return given


@dataclass(frozen=True)
class Instant:
    """An instant; text without an offset is read on the clocks of the schedule's zone."""

    def value_of(self, given: Any) -> datetime:
        return given if isinstance(given, datetime) else datetime.fromisoformat(given)


@dataclass(frozen=True)
class Zone:
    """The name of an IANA time zone."""

    def value_of(self, given: Any) -> Any:
        return given


@dataclass(frozen=True)
class Text:
    """Text of a form of its own, with an example."""

    example: str

    def value_of(self, given: Any) -> Any:
        return given


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: type[StrEnum]

    def value_of(self, given: Any) -> StrEnum:
        return self.words(given)


Form = Number | Instant | Zone | Text | Choice


@dataclass(frozen=True)
class Member:
    """One member: `writable` if callers may give it, `shown` if they get it.

    `field` is the schedule's attribute that holds the value; None for a member that only helps to parse the others.
    """

    name: str
    form: Form
    field: str | None
    default: Any = MISSING
    words: str = ""
    check: Check | None = None
    writable: bool = True
    shown: bool = True

    @property
    def is_required(self) -> bool:
        return self.default is MISSING


def member(
    form: Form, words: str = "", *, name: str | None = None, check: Check | None = None, writable: bool = True
) -> dict[str, Any]:
    """Returns the metadata by which a field of a dataclass declares its member; `words` say in short what it does."""
    return {"form": form, "words": words, "name": name, "check": check, "writable": writable}


def member_of(field: Field[Any]) -> Member:
    """Returns the member that a field declares."""
    about = field.metadata
    return Member(
        name=about["name"] or field.name,
        form=about["form"],
        field=field.name,
        default=field.default,
        words=about["words"],
        check=about["check"],
        writable=about["writable"],
    )
