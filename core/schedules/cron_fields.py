"""The fields of a cron expression, read as Debian's cron reads them: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import CarillonError


class InvalidCron(CarillonError):  # noqa: N818  the tree's names say what happened
    """The expression breaks a rule; `message` names the field, the wrong value, the rule and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SUNDAY = 7  # also written 0
MONTH_LENGTHS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of each month, in a leap year
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_EXTENSION = re.compile(r"(?<![a-z])[lwrh](?![a-vx-z])|[#?]")
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\w+))?", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One of the five fields: what it is called and what it may hold."""

    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()  # the first one stands for `low`

    def values(self, text: str) -> tuple[int, ...]:
        found = {value for item in text.split(",") for value in self._item(item)}
        if self.high == _SUNDAY:  # 0 and 7 are the same day
            found = {value % _SUNDAY for value in found}
        return tuple(sorted(found))

    def covers_all(self, values: tuple[int, ...]) -> bool:
        return len(values) == (_SUNDAY if self.high == _SUNDAY else self.high - self.low + 1)

    def _item(self, item: str) -> range:
        if extension := _EXTENSION.search(item.lower()):
            rule = f"`{extension[0].upper()}` is not part of Debian's cron"
            raise self.fault(item, rule, "Write numbers, ranges, steps or lists")
        parts = _ITEM.fullmatch(item.lower())
        if parts is None or (parts["first"] == "*" and parts["last"]):
            rule = "this is no number, range, step or list of them"
            raise self.fault(item, rule, f"Write for example {self.low}-{self.high} or *")
        if parts["first"] == "*":
            first, last = self.low, self.high
        else:
            first, last = self._bounds(item, parts["first"], parts["last"])
        if parts["step"] is None:
            return range(first, last + 1)
        if parts["last"] is None and parts["first"] != "*":
            raise self.fault(item, "a step needs a range or *", f"Write {first}-{self.high}/{parts['step']}")
        return range(first, last + 1, self._step(item, parts["step"]))

    def _bounds(self, item: str, first_text: str, last_text: str | None) -> tuple[int, int]:
        first = self._number(item, first_text)
        last = first if last_text is None else self._number(item, last_text)
        if first <= last:
            return first, last
        remedy = f"Write {first}-{self.high},{self.low}-{last}"
        if self.high == _SUNDAY and last == 0:
            remedy = f"Write Sunday as 7: {first}-7"
        raise self.fault(item, "the range runs backwards", remedy)

    def _number(self, item: str, text: str) -> int:
        if text in self.names:
            return self.low + self.names.index(text)
        rule = f"numbers go from {self.low} to {self.high}"
        if self.names:
            rule += f", names from {self.names[0]} to {self.names[-1]}"
        if not text.isdigit() or not self.low <= int(text) <= self.high:
            raise self.fault(item, rule, "Write one of those")
        return int(text)

    def _step(self, item: str, text: str) -> int:
        if not text.isdigit() or int(text) == 0:
            raise self.fault(item, "a step is a whole number from 1", "Write for example */2")
        return int(text)

    def fault(self, value: str, rule: str, remedy: str) -> InvalidCron:
        return InvalidCron(f"{self.title} `{value}`: {rule}. {remedy}.")


MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY = Field("day of month", 1, 31)
MONTH = Field("month", 1, 12, _MONTHS)
WEEKDAY = Field("day of week", 0, _SUNDAY, _WEEKDAYS)
FIELDS = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)


def split(expression: str) -> list[str]:
    """Returns the five fields, which spaces or tabs separate as in a crontab; a shorthand is written out."""
    for character in expression:
        if not " " <= character <= "~" and character != "\t":
            raise InvalidCron(
                f"The cron expression contains {character!a}; its characters are those of plain ASCII. "
                "Write digits, names, `*`, `,`, `-` and `/`, with spaces between the fields."
            )
    text = expression.strip()
    if text.startswith("@"):
        if text.lower() not in _SHORTHANDS:
            known = ", ".join(_SHORTHANDS)
            raise InvalidCron(f"The cron expression `{text}` is none of {known}. Write one of them or five fields.")
        text = _SHORTHANDS[text.lower()]
    texts = text.split()
    if len(texts) != len(FIELDS):
        titles = ", ".join(kind.title for kind in FIELDS)
        raise InvalidCron(
            f"The cron expression `{text}` has {len(texts)} fields; it takes five: {titles}. "
            "Write each of them, and neither seconds nor a year."
        )
    return texts
