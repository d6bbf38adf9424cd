"""What all charts of the overview share: their axis of time, now, and the columns of which nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby

from markupsafe import Markup

from pages import formats
from pages.series import Series

TALL, HEAD = 90, 14
_FOOT = 18
_BROAD = 400  # wider than a phone: the style sheet shows its text larger there, and every other tick
_PIXELS_TO_A_TICK = 90
_A_DAY_MINUTES = 1_440
_DATES_FROM_MINUTES = 15 * _A_DAY_MINUTES


def frame(series: Series, most: str, drawn: Iterable[Markup], label: str) -> Markup:
    """Returns a chart of what is drawn, on the axis of a series."""
    return Markup(
        '<svg class="chart{}" viewBox="0 0 {} {}" role="img" aria-label="{}, {}">{}<text x="0" y="10">{}</text>{}{}'
        '<path class="axis" d="M0 {}H{}"></path>{}</svg>'
    ).format(
        " broad" if series.wide > _BROAD else "",
        series.wide,
        HEAD + TALL + _FOOT,
        label,
        most,
        Markup("").join(_gaps(series)),
        most,
        _now(series),
        Markup("").join(drawn),
        HEAD + TALL,
        series.wide,
        _ticks(series),
    )


def left_of(series: Series, place: float) -> float:
    """Returns where a column begins."""
    return place * series.wide / (len(series.columns) + len(series.coming))


def width(series: Series) -> float:
    """Returns how wide a bar is."""
    return max(1.0, left_of(series, 1) - 1)


def y(part: float) -> float:
    """Returns how far down a share of the greatest value is."""
    return HEAD + TALL * (1 - part)


def clock(series: Series, at: datetime) -> str:
    """Returns an instant as the axis tells it: the time of day, with its day where there are several, or the date."""
    there = at.astimezone(series.zone)
    minutes = len(series.columns) * series.step
    if minutes >= _DATES_FROM_MINUTES:
        return f"{there.day} {there:%b %H:%M}"
    return f"{there:%a %H:%M}" if minutes > _A_DAY_MINUTES else f"{there:%H:%M}"


def _gaps(series: Series) -> Iterator[Markup]:
    """The columns of which nothing is known, so that they do not look like columns in which nothing happened."""
    places = enumerate(series.columns)
    for is_known, group in groupby(places, key=lambda one: one[1].known > 0):
        if is_known:
            continue
        found = list(group)
        first, last = left_of(series, found[0][0]), left_of(series, found[-1][0] + 1)
        yield Markup('<rect class="gap" x="{:.1f}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
            first,
            HEAD,
            last - first,
            TALL,
            f"from {clock(series, found[0][1].at)} on for {formats.span(60 * series.step * len(found))}: not known",
        )


def _now(series: Series) -> Markup:
    if not series.coming:
        return Markup("")
    edge = left_of(series, len(series.columns))
    return Markup('<path class="now" d="M{:.1f} {}V{}"></path><text x="{:.1f}" y="10">now</text>').format(
        edge, HEAD, HEAD + TALL, edge + 4
    )


def _ticks(series: Series) -> Markup:
    count = len(series.columns) + len(series.coming)
    every = max(1, count * _PIXELS_TO_A_TICK // series.wide)
    start = series.columns[0].at
    return Markup("").join(
        Markup('<text class="tick{}" x="{:.1f}" y="{}">{}</text>').format(
            " between" if number % 2 else "",
            left_of(series, place),
            HEAD + TALL + 14,
            clock(series, start + timedelta(minutes=series.step * place)),
        )
        for number, place in enumerate(range(0, count, every))
        if left_of(series, place) < series.wide - 40
    )
