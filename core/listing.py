"""The order of lists, positions in them, and how much fits on a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

MAX_BYTES_IN_PAGE = 8 * 1024 * 1024
"""A page ends early where its items together have more, so that no answer fills the memory of a process."""
_DESCENDING = "-"


def count_that_fits(sizes: Iterable[int], most: int) -> int:
    """Returns how many of the first items, given their sizes, fit on a page: at least one, if there is one."""
    count = total = 0
    for size in sizes:
        total += size
        if count and total > most:
            break
        count += 1
    return count


class SortKey(StrEnum):
    """What jobs can be sorted by. Ids are in order of creation, so they alone sort by `created_at`."""

    CREATED_AT = "created_at"
    PRIORITY = "priority"
    NAME = "name"
    UPDATED_AT = "updated_at"
    STATUS = "status"
    DEADLINE = "deadline"  # those without one come last, in either direction


@dataclass(frozen=True)
class Ordering:
    """What a list is sorted by; the id breaks ties, in the same direction."""

    key: SortKey
    descending: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """Returns the ordering that a text names, for example `-priority`."""
        return cls(SortKey(text.removeprefix(_DESCENDING)), text.startswith(_DESCENDING))

    def __str__(self) -> str:
        return f"{_DESCENDING if self.descending else ''}{self.key}"


NEWEST_FIRST = Ordering(SortKey.CREATED_AT, descending=True)

SortValue = int | str | datetime | None


@dataclass(frozen=True)
class Mark:
    """The last item of a page: its id, and the value it is sorted by (None where it has none: the id alone sorts).

    `of` says which list it was the last of, empty if that is not known.
    """

    id: UUID
    value: SortValue = None
    of: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The requested part of a list: at most `limit` items after a mark, or those of a numbered page."""

    limit: int
    after: Mark | None = None
    page: int | None = None

    @property
    def is_first(self) -> bool:
        """Whether it is the first part of the list."""
        return self.after is None and self.offset == 0

    @property
    def offset(self) -> int:
        """Returns the number of items before a numbered page."""
        return 0 if self.page is None else (self.page - 1) * self.limit
