"""`cron`: recurs at the times of a cron expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from core.schedules import cron_counting
from core.schedules.cron_expression import MAX_LENGTH, parse
from core.schedules.cron_fields import InvalidCron
from core.schedules.kind import Option
from core.schedules.members import Text, member
from core.schedules.recurring import Recurring

__all__ = ["MAX_LENGTH", "Cron", "InvalidCron", "parse"]


def _fault_of_expression(expression: str, _before: Mapping[str, Any]) -> str | None:
    try:
        parse(expression)
    except InvalidCron as error:
        return error.message
    return None


@dataclass(frozen=True)
class Cron(Recurring):
    """Recurs at the times at which Debian's cron would run a command."""

    kind: ClassVar[str] = "cron"
    option: ClassVar[Option] = Option("--cron", "Run it by a cron expression, on the clocks of --tz.", ("expression",))

    expression: str = field(metadata=member(Text(example="*/15 9-17 * * mon-fri"), check=_fault_of_expression))

    def _rule_in_words(self) -> str:
        return f"{parse(self.expression).describe()}, {self.timezone}"

    def brief(self) -> str:
        return f"{self.expression} ({self.timezone})"

    def count_at_once(self, first: datetime, before: datetime) -> int:
        start = first if self.starts_at is None else max(first, self.starts_at)
        end = before if self.ends_at is None else min(before, self.ends_at)
        return cron_counting.count(parse(self.expression), start, end, ZoneInfo(self.timezone))

    def _next_by_rule(self, after: datetime) -> datetime | None:
        return parse(self.expression).next_after(after, ZoneInfo(self.timezone))
