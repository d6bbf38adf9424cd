"""The charts of the overview, all on one axis of time: runs that ended and come, how late they began, what waited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from markupsafe import Markup

from pages import formats
from pages.series import Column, Series

_TALL, _FOOT, _HEAD = 90, 18, 14
_PIXELS_TO_A_TICK = 90
_NARROW = 300
_A_DAY_MINUTES = 1_440


def runs(series: Series) -> Markup:
    """Returns runs that completed, failed on top of them, and those that come right of now."""
    most = max([1, *(one.completed + one.failed for one in series.columns), *series.coming])
    scale = _TALL / most
    bars = [_ended(series, place, one, scale) for place, one in enumerate(series.columns)]
    bars += [_coming(series, place, count, scale) for place, count in enumerate(series.coming) if count]
    return _chart(series, f"most {formats.number(most)} in {_step(series)}", bars, "Runs that ended, and that come")


def lateness(series: Series) -> Markup:
    """Returns how late runs began as a line, broken where nothing began."""
    series = replace(series, wide=_NARROW)
    values = [one.lateness_seconds for one in series.columns]
    most = max([0.001, *(value for value in values if value is not None)])
    line = Markup('<path class="line" d="{}"></path>').format(_path(series, [_part(value, most) for value in values]))
    return _chart(series, f"most {formats.span(most)}", [line], "How late runs began")


def waiting(series: Series) -> Markup:
    """Returns how many runs were due and had not begun."""
    series = replace(series, wide=_NARROW)
    most = max([1, *(one.waiting for one in series.columns)])
    parts = [one.waiting / most for one in series.columns]
    steps = " ".join(f"V{_y(part):.1f}H{_x(series, place + 1):.1f}" for place, part in enumerate(parts))
    area = Markup('<path class="area" d="M0 {} {} V{} Z"></path>').format(_y(0), steps, _y(0))
    peak = max((one.waiting for one in series.columns), default=0)
    return _chart(series, f"most {formats.number(peak)}", [area], "Runs that were due and had not begun")


def _chart(series: Series, most: str, drawn: Iterable[Markup], label: str) -> Markup:
    now = Markup("")
    if series.coming:
        edge = _x(series, len(series.columns))
        now = Markup('<path class="now" d="M{:.1f} {}V{}"></path><text x="{:.1f}" y="10">now</text>').format(
            edge, _HEAD, _HEAD + _TALL, edge + 4
        )
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}, {}"><text x="0" y="10">{}</text>{}{}'
        '<path class="axis" d="M0 {}H{}"></path>{}</svg>'
    ).format(
        series.wide,
        _HEAD + _TALL + _FOOT,
        label,
        most,
        most,
        now,
        Markup("").join(drawn),
        _HEAD + _TALL,
        series.wide,
        _ticks(series),
    )


def _ended(series: Series, place: int, one: Column, scale: float) -> Markup:
    failed, completed = one.failed * scale, one.completed * scale
    said = f"{_clock(series, one.at)}: {formats.number(one.completed)} completed, {formats.number(one.failed)} failed"
    bar = Markup('<rect class="c-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"></rect>')
    left, width = _x(series, place), _width(series)
    drawn = Markup("")
    if completed:
        drawn += bar.format("completed", left, _HEAD + _TALL - completed, width, completed)
    if failed:
        drawn += bar.format("failed", left, _HEAD + _TALL - completed - failed, width, failed)
    return Markup("<g><title>{}</title>{}</g>").format(said, drawn) if drawn else drawn


def _coming(series: Series, place: int, count: int, scale: float) -> Markup:
    at = series.columns[-1].at + timedelta(minutes=series.step * (place + 1))
    return Markup(
        '<rect class="c-coming" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {}</title></rect>'
    ).format(
        _x(series, len(series.columns) + place) + 0.5,
        _HEAD + _TALL - count * scale,
        _width(series) - 1,
        count * scale,
        _clock(series, at),
        formats.plural(count, "comes", "come"),
    )


def _ticks(series: Series) -> Markup:
    count = len(series.columns) + len(series.coming)
    every = max(1, count * _PIXELS_TO_A_TICK // series.wide)
    start = series.columns[0].at
    return Markup("").join(
        Markup('<text x="{:.1f}" y="{}">{}</text>').format(
            _x(series, place), _HEAD + _TALL + 14, _clock(series, start + timedelta(minutes=series.step * place))
        )
        for place in range(0, count, every)
        if _x(series, place) < series.wide - 40
    )


def _path(series: Series, parts: Sequence[float | None]) -> str:
    """A line through the columns that have a value."""
    found = []
    pen_is_down = False
    for place, part in enumerate(parts):
        if part is not None:
            found.append(f"{'L' if pen_is_down else 'M'}{_x(series, place + 0.5):.1f} {_y(part):.1f}")
            if not pen_is_down:
                found.append("h0.1")  # a value alone is a dot
        pen_is_down = part is not None
    return "".join(found)


def _part(value: float | None, most: float) -> float | None:
    return None if value is None else value / most


def _x(series: Series, place: float) -> float:
    return place * series.wide / (len(series.columns) + len(series.coming))


def _width(series: Series) -> float:
    return max(1.0, _x(series, 1) - 1)


def _y(part: float) -> float:
    return _HEAD + _TALL * (1 - part)


def _clock(series: Series, at: datetime) -> str:
    there = at.astimezone(series.zone)
    is_long = len(series.columns) * series.step > _A_DAY_MINUTES
    return f"{there:%a %H:%M}" if is_long else f"{there:%H:%M}"


def _step(series: Series) -> str:
    return "a minute" if series.step == 1 else formats.span(series.step * 60)
