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


_WIDE, _LEAST = 1000, 5.0  # of it, so that the shortest stretch is seen on a phone, too


def timeline(spans: Sequence[Span]) -> Markup:
    """Returns the stretches of a run's time as bars, one below the other, on one axis of time.

    What each is stands beside its bar as text, so that it is as large on a phone as elsewhere.
    """
    begin, end = spans[0].start, max(one.end for one in spans)
    whole = max((end - begin).total_seconds(), 0.001)
    rows = Markup("").join(
        _row(one, _WIDE * (one.start - begin).total_seconds() / whole, _WIDE * one.seconds / whole) for one in spans
    )
    told = ", ".join(f"{one.label} {formats.span(one.seconds)}" for one in spans)
    return Markup('<div class="spans" role="img" aria-label="{}">{}</div>').format(told, rows)


def _row(one: Span, left: float, width: float) -> Markup:
    width = max(_LEAST, width)
    return Markup(
        '<span>{}</span><svg viewBox="0 0 {} 14" preserveAspectRatio="none">'
        '<rect class="c-{}" x="{:.1f}" width="{:.1f}" height="14"></rect></svg><span>{}</span>'
    ).format(one.label, _WIDE, one.kind, min(left, _WIDE - width), width, formats.span(one.seconds))


def progress(share: float) -> Markup:
    """Returns a bar that is filled to a share."""
    return Markup(
        '<svg class="chart" viewBox="0 0 1000 20" role="img" aria-label="{:.0%}"><rect class="cold" width="1000" '
        'height="20" rx="4"></rect><rect class="heat" width="{:.0f}" height="20" rx="4"></rect></svg>'
    ).format(share, share * 1000)


_CELL_WIDTH, _HALF_HOUR = 15, 30


def heat(hours: Sequence[HourOfRuns], zone: ZoneInfo, link: Callable[[datetime], str], left_out: str = "") -> Markup:
    """Returns the minutes of hours as cells, an hour to a row: the more runs are due in one, the fuller its colour.

    Each leads to what is due in that minute. `left_out` says what is not counted. An hour is drawn in two halves, which
    a phone shows one below the other.
    """
    most = max([1, *(count for hour in hours for count in hour.minutes)])
    rows = Markup("").join(
        Markup("<span>{}</span>{}{}").format(
            f"{hour.at.astimezone(zone):%a %H:%M}",
            *(_half_hour(hour, first, most, zone, link, left_out=left_out) for first in (0, _HALF_HOUR)),
        )
        for hour in hours
    )
    return Markup('<div class="hours" role="group" aria-label="Runs by minute, at most {}{}">{}</div>').format(
        most, left_out, rows
    )


def _half_hour(
    hour: HourOfRuns, first: int, most: int, zone: ZoneInfo, link: Callable[[datetime], str], *, left_out: str
) -> Markup:
    """Returns the cells of the minutes from `first` on.

    There may be hundreds: keys pass them by, and lead to a minute from where jobs meet and from the list.
    """
    cells = (
        Markup(
            '<a href="{path}" tabindex="-1" aria-label="{told}"><rect class="heat" x="{left}" width="14" height="14" '
            'fill-opacity="{share:.2f}"><title>{told}</title></rect></a>'
        ).format(
            path=link(hour.at + timedelta(minutes=minute)),
            told=f"{hour.at.astimezone(zone) + timedelta(minutes=minute):%H:%M}: "
            + formats.plural(count, "run", "runs")
            + left_out,
            left=(minute - first) * _CELL_WIDTH,
            share=0.25 + 0.75 * count / most,
        )
        for minute, count in enumerate(hour.minutes[first : first + _HALF_HOUR], start=first)
        if count
    )
    wide = _HALF_HOUR * _CELL_WIDTH
    return Markup(
        '<svg viewBox="0 0 {} 14" preserveAspectRatio="none"><rect class="cold" width="{}" height="14"></rect>{}</svg>'
    ).format(wide, wide - 1, Markup("").join(cells))
