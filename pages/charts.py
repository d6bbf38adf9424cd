"""Charts, drawn on the server as SVG: geometry in attributes, colours by the style sheet's classes."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core.states import RunStatus
from pages import formats
from services.reading.outcomes import SHOWN, OutcomeView

_CELL, _STRIP_HEIGHT = 8, 18
# A run's bar tells its outcome by its height and place, too.
_BARS: dict[RunStatus, tuple[int, int]] = {
    RunStatus.COMPLETED: (4, 14),
    RunStatus.FAILED: (0, 18),
    RunStatus.CANCELLED: (10, 8),
    RunStatus.SKIPPED: (14, 3),
    RunStatus.MISSED: (0, 6),
}


def strip(outcomes: Sequence[OutcomeView], zone: ZoneInfo) -> Markup:
    """Returns the newest runs of a job as a strip, the newest to the right; each bar says which run it is."""
    begin = SHOWN - len(outcomes)
    bars = [_bar(place, one, zone) for place, one in enumerate(outcomes, start=begin)]
    label = _summary(outcomes)
    return Markup('<svg class="strip" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        SHOWN * _CELL, _STRIP_HEIGHT, label, Markup("").join(bars)
    )


def _bar(place: int, one: OutcomeView, zone: ZoneInfo) -> Markup:
    top, height = _BARS.get(one.status, (8, 10))
    return Markup('<rect class="c-{}" x="{}" y="{}" width="6" height="{}"><title>{}, {}</title></rect>').format(
        one.status, place * _CELL, top, height, one.status, formats.local(one.due_at, zone)
    )


def _summary(outcomes: Sequence[OutcomeView]) -> str:
    if not outcomes:
        return "no run yet"
    failed = sum(one.status == RunStatus.FAILED for one in outcomes)
    return f"{formats.plural(len(outcomes), 'run', 'runs')}, {failed} failed"
