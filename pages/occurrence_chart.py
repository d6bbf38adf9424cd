"""The newest occurrences of a job, drawn as SVG: a cell for each, which leads to the answer why it ran or did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core import instants
from core.past_occurrences import Became
from pages import cells, formats, words
from services.reading.occurrences.past_occurrences import PastOccurrence

_CELL, _IN_A_ROW = 14, 50
_LOOKS: dict[Became, str] = {
    Became.FIRED: "completed",
    Became.LATE: "late",
    Became.FAILED: "failed",
    Became.SKIPPED: "skipped",
    Became.MISSED: "missed",
    Became.CANCELLED: "cancelled",
    Became.UNDER_WAY: "running",
}


def occurrences(
    newest_first: Sequence[PastOccurrence], job_id: UUID, zone: ZoneInfo, url: Callable[[str], str]
) -> Markup:
    """Returns the occurrences as rows of cells, the newest at the end of the last."""
    drawn = [_cell(place, one, job_id, zone, url) for place, one in enumerate(reversed(newest_first))]
    rows = (len(drawn) + _IN_A_ROW - 1) // _IN_A_ROW
    wide = min(len(drawn), _IN_A_ROW) * _CELL
    return Markup(
        '<svg class="cells" width="{0}" height="{1}" viewBox="0 0 {0} {1}" role="group" aria-label="{2}">{3}</svg>'
    ).format(wide, rows * _CELL, _summary(newest_first), Markup("").join(drawn))


def _cell(place: int, one: PastOccurrence, job_id: UUID, zone: ZoneInfo, url: Callable[[str], str]) -> Markup:
    left, top = place % _IN_A_ROW * _CELL, place // _IN_A_ROW * _CELL
    several = f", the first of {formats.number(one.occurrences)}" if one.occurrences > 1 else ""
    look = _LOOKS[one.became]
    told = f"{formats.local(one.scheduled_for, zone)}: {words.BECAME[one.became]}{several}"
    path = url(f"/dashboard/jobs/{job_id}?{urlencode({'at': instants.shown(one.scheduled_for)})}#why")
    return Markup(
        '<a href="{}" aria-label="{}"><g transform="translate({} {})"><rect class="c-{}" width="{}" height="{}" rx="2">'
        "<title>{}</title></rect>{}</g></a>"
    ).format(path, told, left, top, look, cells.SIZE, cells.SIZE, told, cells.mark(look))


def _summary(found: Sequence[PastOccurrence]) -> str:
    counts = {became: sum(one.became is became for one in found) for became in Became}
    told = ", ".join(f"{count} {words.BECAME[became]}" for became, count in counts.items() if count)
    return f"{formats.plural(len(found), 'occurrence', 'occurrences')}: {told}"
