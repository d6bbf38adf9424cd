"""The charts of the overview, all on one axis of time: runs that ended and come, how late they began, what waited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from markupsafe import Markup

from core.states import Hold
from pages import formats, words
from pages.chart_frame import HEAD, TALL, clock, frame, left_of, width, y
from pages.series import Series
from services.reading.statistics.columns import ColumnFigures

_NARROW = 300
_BAR = Markup('<rect class="c-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"></rect>')
_HOLDS: tuple[tuple[Hold | None, str], ...] = (
    (None, "waiting"),
    (Hold.RATE_LIMIT, "running"),
    (Hold.CONCURRENCY, "held"),
    (Hold.DESTINATION, "failed"),
    (Hold.OVERLAP, "cancelled"),
    (Hold.RESTORED, "backoff"),
    (Hold.PAUSED, "skipped"),
)
"""What runs wait for, from the bottom of a column to its top, and how each is drawn."""


def runs(series: Series) -> Markup:
    """Returns runs that completed, failed on top of them, and those that come right of now."""
    most = max([1, *(one.completed + one.failed for one in series.columns), *series.coming])
    bars = [
        _stack(series, place, most, _ended(series, one), [("completed", one.completed), ("failed", one.failed)])
        for place, one in enumerate(series.columns)
    ]
    bars += [_coming(series, place, count, most) for place, count in enumerate(series.coming) if count]
    return frame(series, f"most {formats.number(most)} in {_step(series)}", bars, "Runs that ended, and that come")


def lateness(series: Series) -> Markup:
    """Returns how late runs began as two lines, broken where nothing began: half of them, and 95 of 100."""
    series = replace(series, wide=_NARROW)
    most = max([0.001, *(one.lateness_p95_seconds or 0.0 for one in series.columns)])
    lines = [
        _line(series, "line faint", most, lambda one: one.lateness_p50_seconds),
        _line(series, "line", most, lambda one: one.lateness_p95_seconds),
    ]
    return frame(series, f"most {formats.span(most)}", lines, "How late runs began")


def waiting(series: Series) -> Markup:
    """Returns how many runs were due and had not begun, by what they waited for."""
    series = replace(series, wide=_NARROW)
    peak = max((one.waiting for one in series.columns), default=0)
    bars = [
        _stack(series, place, max(1, peak), _waited(series, one), _by_hold(one))
        for place, one in enumerate(series.columns)
    ]
    return frame(series, f"most {formats.number(peak)}", bars, "Runs that were due and had not begun")


def waited_for(series: Series) -> list[tuple[str, str]]:
    """Returns what runs waited for in any column: how that is drawn, and its words."""
    found = {kind for one in series.columns for kind, count in _by_hold(one) if count}
    return [(kind, words.HOLDS[hold]) for hold, kind in _HOLDS if kind in found]


def has_gaps(series: Series) -> bool:
    """Whether there are columns of which nothing is known."""
    return any(one.known == 0 for one in series.columns)


def _by_hold(one: ColumnFigures) -> list[tuple[str, int]]:
    """How many waited for what; the rest of them, for a free worker."""
    held = {hold: one.held.get(hold, 0) for hold, _ in _HOLDS if hold is not None}
    free = max(0, one.waiting - sum(held.values()))
    return [(kind, free if hold is None else held[hold]) for hold, kind in _HOLDS]


def _stack(series: Series, place: int, most: int, told: str, parts: Sequence[tuple[str, int]]) -> Markup:
    """A column of bars, one on top of the other, which says what it is."""
    drawn = Markup("")
    foot: float = HEAD + TALL
    for kind, count in parts:
        if count:
            height = min(count * TALL / most, foot - HEAD)
            foot -= height
            drawn += _BAR.format(kind, left_of(series, place), foot, width(series), height)
    return Markup("<g><title>{}</title>{}</g>").format(told, drawn) if drawn else drawn


def _ended(series: Series, one: ColumnFigures) -> str:
    ended = f"{formats.number(one.completed)} completed, {formats.number(one.failed)} failed"
    return f"{clock(series, one.at)}: {ended}"


def _waited(series: Series, one: ColumnFigures) -> str:
    words_of = {kind: words.HOLDS[hold] for hold, kind in _HOLDS}
    parts = ", ".join(f"{formats.number(count)} {words_of[kind]}" for kind, count in _by_hold(one) if count)
    return f"{clock(series, one.at)}: {parts}"


def _coming(series: Series, place: int, count: int, most: int) -> Markup:
    at = series.columns[-1].at + timedelta(minutes=series.step * (place + 1))
    height = count * TALL / most
    return Markup(
        '<rect class="c-coming" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {}</title></rect>'
    ).format(
        left_of(series, len(series.columns) + place) + 0.5,
        HEAD + TALL - height,
        width(series) - 1,
        height,
        clock(series, at),
        formats.plural(count, "comes", "come"),
    )


def _line(series: Series, kind: str, most: float, value_of: Callable[[ColumnFigures], float | None]) -> Markup:
    path = "".join(_steps(series, [value_of(one) for one in series.columns], most))
    return Markup('<path class="{}" d="{}"></path>').format(kind, path) if path else Markup("")


def _steps(series: Series, values: Sequence[float | None], most: float) -> Iterator[str]:
    """A line through the columns that have a value."""
    pen_is_down = False
    for place, value in enumerate(values):
        if value is not None:
            yield f"{'L' if pen_is_down else 'M'}{left_of(series, place + 0.5):.1f} {y(value / most):.1f}"
            if not pen_is_down:
                yield "h0.1"  # a value alone is a dot
        pen_is_down = value is not None


def _step(series: Series) -> str:
    return "a minute" if series.step == 1 else formats.span(series.step * 60)
