"""The declaration of a kind of schedule: its name, its members, the instants it names, and its words for people."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import Any, ClassVar, Self

from core.schedules.members import Member, member_of

JUST_BEFORE = timedelta(microseconds=1)


class Nature(StrEnum):
    """The nature of a kind: to run once, to recur at instants known ahead, or to poll until the answer says done.

    An edit may change a job's kind of schedule, but not its nature.
    """

    ONE_SHOT = "one_shot"
    RECURRING = "recurring"
    POLLING = "polling"


@dataclass(frozen=True)
class Option:
    """The option of the command line that chooses a kind, and the members that its value may set.

    The value sets the first of these members that accepts it.
    """

    flag: str
    words: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class PreviewedOccurrence:
    """An occurrence for a job that is not made yet: its nominal instant, and the latest at which it may be due."""

    scheduled_for: datetime
    latest_due_at: datetime


@dataclass(frozen=True)
class Schedule(ABC):
    """The base of all kinds. Instants are aware UTC."""

    kind: ClassVar[str]
    nature: ClassVar[Nature]
    option: ClassVar[Option]
    only_read: ClassVar[tuple[Member, ...]] = ()
    """Members that only help to read the others."""

    @classmethod
    @cache
    def members(cls) -> tuple[Member, ...]:
        """Returns the members of the JSON form, in the order in which they are read."""
        return (*cls.only_read, *map(member_of, dataclasses.fields(cls)))

    @classmethod
    def of_members(cls, given: Mapping[str, Any]) -> Self:
        """Returns the schedule with these valid members; unknown ones are ignored."""
        return cls(
            **{
                one.field: one.form.value_of(given[one.name])
                for one in cls.members()
                if one.field and given.get(one.name) is not None
            }
        )

    @classmethod
    def fault_of(cls, _given: Mapping[str, Any]) -> str | None:
        """Returns what is wrong with the members together, each being valid by itself; None if nothing is."""
        return None

    @abstractmethod
    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """Returns the instants later than `after`, as far as they can be known ahead.

        For a kind with one instant: when a job accepted at `after` is due, at once if that instant has passed.
        """

    def starting_at(self, first: datetime) -> Iterator[datetime]:
        """Returns the instants from `first` on, itself included if it is one."""
        return self.upcoming(first - JUST_BEFORE)

    @abstractmethod
    def describe(self) -> str:
        """Returns the schedule as a sentence without a full stop."""

    @abstractmethod
    def brief(self) -> str:
        """Returns the schedule in a few words, for a column of a table."""

    def accepted(self, _at: datetime) -> Self:
        """Returns the schedule as it is stored when a job is accepted."""
        return self

    def replacing(self, _old: Schedule, _now: datetime) -> Self:
        """Returns the schedule as it is stored when an edit replaces another with it."""
        return self

    def preview(self, at: datetime) -> Iterator[datetime]:
        """Returns the instants for a job accepted at this moment."""
        return self.accepted(at).upcoming(at)

    def previewed(self, at: datetime, most: int) -> list[PreviewedOccurrence]:
        """Returns the first occurrences for a job accepted at this moment, at most so many."""
        return [PreviewedOccurrence(one, self.latest_due_at(one)) for one in islice(self.preview(at), most)]

    def latest_due_at(self, occurrence: datetime) -> datetime:
        """Returns the latest instant at which an occurrence may be due, whichever job it is of."""
        return occurrence


class OneInstant(Schedule):
    """The base of kinds that name one instant ahead."""

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        yield max(self.first_after(after), after)

    @abstractmethod
    def first_after(self, accepted_at: datetime) -> datetime:
        """Returns when a job accepted at this moment is first due."""
