"""Charts, drawn on the server as SVG: geometry in attributes, colours by the style sheet's classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core.states import RunStatus
from pages import formats
from pages.timeline import Span
from pages.upcoming import HourOfRuns
from services.reading.outcomes import SHOWN, OutcomeView

_CELL, _STRIP_HEIGHT = 8, 18
# A run's bar tells its outcome by its height and place, too.
_BARS: dict[RunStatus, tuple[int, int]] = {
    RunStatus.COMPLETED: (4, 14),
    RunStatus.FAILED: (0, 18),
    RunStatus.CANCELLED: (10, 8),
    RunStatus.SKIPPED: (14, 3),
    RunStatus.MISSED: (6, 6),
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


_WIDE, _ROW, _LABEL = 1000, 22, 150
_CHARACTER, _LABEL_GAP = 6, 10  # about as wide as the style sheet makes them


def timeline(spans: Sequence[Span]) -> Markup:
    """Returns the stretches of a run's time as bars, one below the other, on one axis of time."""
    begin, end = spans[0].start, max(one.end for one in spans)
    whole = max((end - begin).total_seconds(), 0.001)
    before = max(_LABEL, _LABEL_GAP + _CHARACTER * max(len(one.label) for one in spans))
    room = _WIDE - before - _LABEL
    rows = Markup("").join(
        _row(number, one, before + room * (one.start - begin).total_seconds() / whole, room * one.seconds / whole)
        for number, one in enumerate(spans)
    )
    return Markup('<svg class="chart wide" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDE, len(spans) * _ROW + 4, ", ".join(f"{one.label} {formats.span(one.seconds)}" for one in spans), rows
    )


def _row(number: int, one: Span, left: float, width: float) -> Markup:
    top, width = number * _ROW, max(2.0, width)
    return Markup(
        '<text x="0" y="{base}">{label}</text>'
        '<rect class="c-{kind}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="14" rx="2"></rect>'
        '<text x="{after:.1f}" y="{base}">{span}</text>'
    ).format(
        base=top + 14,
        label=one.label,
        kind=one.kind,
        left=left,
        top=top + 3,
        width=width,
        after=left + width + 6,
        span=formats.span(one.seconds),
    )


def progress(share: float) -> Markup:
    """Returns a bar that is filled to a share."""
    return Markup(
        '<svg class="chart" viewBox="0 0 1000 20" role="img" aria-label="{:.0%}"><rect class="cold" width="1000" '
        'height="20" rx="4"></rect><rect class="heat" width="{:.0f}" height="20" rx="4"></rect></svg>'
    ).format(share, share * 1000)


_CELL_WIDTH, _HOUR_HEIGHT, _HOUR_LABEL = 15, 16, 80


def heat(hours: Sequence[HourOfRuns], zone: ZoneInfo, link: Callable[[datetime], str], left_out: str = "") -> Markup:
    """Returns the minutes of hours as cells, an hour to a row: the more runs are due in one, the fuller its colour.

    Each leads to what is due in that minute. `left_out` says what is not counted.
    """
    most = max([1, *(count for hour in hours for count in hour.minutes)])
    rows = Markup("").join(
        _hour(number, hour, most, zone, link, left_out=left_out) for number, hour in enumerate(hours)
    )
    return Markup(
        '<svg class="chart hours" viewBox="0 0 {} {}" role="group" aria-label="Runs by minute, at most {}{}">{}</svg>'
    ).format(_HOUR_LABEL + 60 * _CELL_WIDTH, len(hours) * _HOUR_HEIGHT, most, left_out, rows)


def _hour(
    number: int, hour: HourOfRuns, most: int, zone: ZoneInfo, link: Callable[[datetime], str], *, left_out: str
) -> Markup:
    top = number * _HOUR_HEIGHT
    row = Markup('<text x="0" y="{}">{}</text><rect class="cold" x="{}" y="{}" width="{}" height="14"></rect>').format(
        top + 11, f"{hour.at.astimezone(zone):%a %H:%M}", _HOUR_LABEL, top, 60 * _CELL_WIDTH - 1
    )
    # Hundreds of them: keys pass them by, and lead there from where jobs meet and from the list.
    cells = (
        Markup(
            '<a href="{path}" tabindex="-1" aria-label="{told}"><rect class="heat" x="{left}" y="{top}" width="14" '
            'height="14" fill-opacity="{share:.2f}"><title>{told}</title></rect></a>'
        ).format(
            path=link(hour.at + timedelta(minutes=minute)),
            told=f"{hour.at.astimezone(zone) + timedelta(minutes=minute):%H:%M}: "
            + formats.plural(count, "run", "runs")
            + left_out,
            left=_HOUR_LABEL + minute * _CELL_WIDTH,
            top=top,
            share=0.25 + 0.75 * count / most,
        )
        for minute, count in enumerate(hour.minutes)
        if count
    )
    return row + Markup("").join(cells)
