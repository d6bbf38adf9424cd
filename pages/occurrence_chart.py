"""The newest occurrences of a job, drawn as SVG: a cell for each, which leads to the answer why it ran or did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core import instants
from core.past_occurrences import Became
from pages import formats, words
from services.reading.past_occurrences import PastOccurrence

_CELL, _SIZE, _IN_A_ROW = 14, 11, 50
_LOOKS: dict[Became, str] = {
    Became.FIRED: "completed",
    Became.LATE: "late",
    Became.FAILED: "failed",
    Became.SKIPPED: "skipped",
    Became.MISSED: "missed",
    Became.CANCELLED: "cancelled",
    Became.UNDER_WAY: "running",
}
_MARKS: dict[Became, str] = {
    Became.FAILED: "M3 3l5 5m0-5l-5 5",
    Became.MISSED: "M3 5.500h5",
    Became.LATE: "M5.500 3v3h3",
}
"""What tells a cell by its shape, too."""


def occurrences(
    newest_first: Sequence[PastOccurrence], job_id: UUID, zone: ZoneInfo, url: Callable[[str], str]
) -> Markup:
    """Returns the occurrences as rows of cells, the newest at the end of the last."""
    cells = [_cell(place, one, job_id, zone, url) for place, one in enumerate(reversed(newest_first))]
    rows = (len(cells) + _IN_A_ROW - 1) // _IN_A_ROW
    wide = min(len(cells), _IN_A_ROW) * _CELL
    return Markup(
        '<svg class="cells" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">{3}</svg>'
    ).format(wide, rows * _CELL, _summary(newest_first), Markup("").join(cells))


def _cell(place: int, one: PastOccurrence, job_id: UUID, zone: ZoneInfo, url: Callable[[str], str]) -> Markup:
    left, top = place % _IN_A_ROW * _CELL, place // _IN_A_ROW * _CELL
    several = f", the first of {formats.number(one.occurrences)}" if one.occurrences > 1 else ""
    told = f"{formats.local(one.scheduled_for, zone)}: {words.BECAME[one.became]}{several}"
    path = url(f"/dashboard/jobs/{job_id}?{urlencode({'at': instants.shown(one.scheduled_for)})}#why")
    mark = Markup('<path class="cross" d="{}"></path>').format(_MARKS[one.became]) if one.became in _MARKS else ""
    return Markup(
        '<a href="{}" aria-label="{}"><g transform="translate({} {})"><rect class="c-{}" width="{}" height="{}" rx="2">'
        "<title>{}</title></rect>{}</g></a>"
    ).format(path, told, left, top, _LOOKS[one.became], _SIZE, _SIZE, told, mark)


def _summary(found: Sequence[PastOccurrence]) -> str:
    counts = {became: sum(one.became is became for one in found) for became in Became}
    told = ", ".join(f"{count} {words.BECAME[became]}" for became, count in counts.items() if count)
    return f"{formats.plural(len(found), 'occurrence', 'occurrences')}: {told}"
