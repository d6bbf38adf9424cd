"""Names of archived objects: which part of a day holds which runs.

A part holds runs of one app that ended on one day (UTC), in the order of their ends. Its name, below the top of the
installation's archive, has everything that a reader needs to choose it:

    archive/2026/11/28/shop/081530123456-094512000001-500-0193a5b2c3d4-0193a5b2ffff-3fa9c1d2e4b5f607.jsonl.gz

the first and the last end (hours to microseconds), the number of runs, the lowest and the highest prefix of their ids,
and a hash of all the ids. So two parts with the same name hold the same runs, and one may replace the other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from core import object_names

_LONGEST_TOP = 200
_TOP = r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"
_NAME = re.compile(
    rf"(?P<top>{_TOP})/(?P<day>\d{{4}}/\d\d/\d\d)/(?P<folder>[^/]+)/(?P<first>\d{{12}})-(?P<last>\d{{12}})-(?P<runs>\d+)"
    r"-(?P<lowest>[0-9a-f]{12})-(?P<highest>[0-9a-f]{12})-(?P<digest>[0-9a-f]{16})\.jsonl\.gz"
)
_DAY = "%Y/%m/%d"
_ENDED = "%H%M%S%f"
_BEGINNING = 12  # digits of an id: of a UUIDv7, the milliseconds of its making
_DIGEST = 16
_UUID_OF_TIME = 7


class Place(NamedTuple):
    """The position of a run among those of its app and day: by its end, then its id. Places sort as their runs do."""

    ended: str
    run_id: str

    @classmethod
    def of(cls, finished_at: datetime, run_id: UUID | str) -> Self:
        """Returns the place of a run that ended then."""
        return cls(finished_at.astimezone(UTC).strftime(_ENDED), str(run_id))


@dataclass(frozen=True, order=True)
class Part:
    """A part as its name describes it. Parts sort by app, then by their first end."""

    folder: str
    first: str
    last: str
    runs: int
    lowest: str
    highest: str
    digest: str
    day: date
    top: str

    @classmethod
    def of(cls, top: str, app_name: str, ended: Sequence[tuple[datetime, UUID]]) -> Self:
        """Returns the part that holds these runs of an app, all of which ended on one day."""
        places = sorted(Place.of(at, run_id) for at, run_id in ended)
        ids = sorted(run_id.hex for _, run_id in ended)
        return cls(
            folder=object_names.folder(app_name),
            first=places[0].ended,
            last=places[-1].ended,
            runs=len(ids),
            lowest=ids[0][:_BEGINNING],
            highest=ids[-1][:_BEGINNING],
            digest=hashlib.sha256("".join(ids).encode()).hexdigest()[:_DIGEST],
            day=day_of(ended[0][0]),
            top=top,
        )

    @classmethod
    def named(cls, name: str) -> Self | None:
        """Returns the part with this name; None if the name is not that of a part."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        try:
            day = datetime.strptime(found["day"], _DAY).replace(tzinfo=UTC).date()
        except ValueError:
            return None
        texts = {one: found[one] for one in ("folder", "first", "last", "lowest", "highest", "digest", "top")}
        return cls(**texts, runs=int(found["runs"]), day=day)

    @property
    def name(self) -> str:
        """Returns the name of the object."""
        said = (self.first, self.last, str(self.runs), self.lowest, self.highest, self.digest)
        return f"{prefix(self.top, self.day)}/{self.folder}/{'-'.join(said)}.jsonl.gz"

    def may_hold(self, run_id: UUID) -> bool:
        """Whether the part may hold a run with this id."""
        return self.lowest <= run_id.hex[:_BEGINNING] <= self.highest

    def may_share(self, other: Part) -> bool:
        """Whether both parts, of the same app and day, may hold the same run."""
        is_in_ends = self.first <= other.last and other.first <= self.last
        return is_in_ends and self.lowest <= other.highest and other.lowest <= self.highest


def that_may_share(parts: Sequence[Part]) -> set[Part]:
    """Returns those of an app's parts of a day that may share a run with another one."""
    found: set[Part] = set()
    near: list[Part] = []
    for part in sorted(parts):
        near = [one for one in near if one.last >= part.first]
        sharing = [one for one in near if one.may_share(part)]
        found.update(sharing, [part] if sharing else [])
        near.append(part)
    return found


def is_top(text: str) -> bool:
    """Whether a text may be the prefix of an archive's parts: folders of plain characters."""
    return len(text) <= _LONGEST_TOP and re.fullmatch(_TOP, text) is not None


def prefix(top: str, day: date, app_name: str | None = None) -> str:
    """Returns the prefix of the names of a day's parts, or of one app's parts on that day."""
    of_day = f"{top}/{day.strftime(_DAY)}"
    return of_day if app_name is None else f"{of_day}/{object_names.folder(app_name)}"


def day_of(instant: datetime) -> date:
    """Returns the day on which an instant is, in UTC."""
    return instant.astimezone(UTC).date()


def earliest_day(run_id: UUID) -> date:
    """Returns the first day on which a run with this id can have ended: the day before its creation (clocks differ)."""
    if run_id.version != _UUID_OF_TIME:
        return date.min
    try:
        return datetime.fromtimestamp((run_id.int >> 80) / 1_000, UTC).date() - timedelta(days=1)
    except (ValueError, OverflowError):
        return date.max
