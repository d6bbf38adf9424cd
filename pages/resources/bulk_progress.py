"""How far an action on all that fit has come: carried from page to page by the fields of its forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from core.errors import InvalidInput
from services.jobs.bulk_actions import COUNTED_EXACTLY, BulkResult

_MAX_DIGITS = 12


@dataclass(frozen=True)
class Progress:
    """So many of `total` were acted on, and so many of these changed; a total of None is not known.

    `going` marks the pages of one action: a browser goes on by itself only with one that was begun in it.
    """

    acted_on: int = 0
    changed: int = 0
    total: int | None = None
    going: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """Returns what the fields of a form say. Raises `InvalidInput`."""
        counts = [_number(given, name) for name in ("acted_on", "changed", "total")]
        return cls(counts[0], counts[1], counts[2] or None, given.get("going", ""))

    def fields(self) -> dict[str, str]:
        """Returns the fields of a form that say the same."""
        counts = {"acted_on": self.acted_on, "changed": self.changed, "total": self.total}
        return {**{name: str(value) for name, value in counts.items() if value}, "going": self.going}

    def after(self, result: BulkResult) -> Progress:
        """Returns how far it has come with one more result."""
        return replace(self, acted_on=self.acted_on + result.matched, changed=self.changed + result.changed)

    @property
    def refused(self) -> int:
        """Returns for how many the action was refused."""
        return self.acted_on - self.changed

    @property
    def left(self) -> int | None:
        """Returns how many are left, as far as that is known: what has come to fit since is not counted."""
        return None if self.total is None or self.total <= self.acted_on else self.total - self.acted_on

    @property
    def is_estimate(self) -> bool:
        """Whether the total is an estimate."""
        return self.total is not None and self.total > COUNTED_EXACTLY


NOT_BEGUN = Progress()


def _number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name) or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS):
        raise InvalidInput.at(name, f"is {text!a}, which is no count; begin at the list.")
    return int(text)
