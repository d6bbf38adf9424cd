"""How long the newest runs of a job took, drawn as SVG: a bar for each, which leads to it, and what is usual."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from markupsafe import Markup

from core.usual import Usual
from pages import formats
from services.reading.statistics.run_times import RunTimes
from services.reading.views import RunView

_WIDE, _TALL, _MIN_BARS = 1000, 42, 20


def durations(
    runs: Sequence[RunView],
    times: Mapping[UUID, RunTimes],
    usual: Usual | None,
    zone: ZoneInfo,
    url: Callable[[str], str],
) -> Markup:
    """Returns the runs that have ended as bars, the newest to the right; nothing where none has."""
    taken = [
        (run, seconds)
        for run in reversed(runs)
        if run.finished_at is not None and (seconds := times[run.id].took_seconds) is not None
    ]
    if not taken:
        return Markup("")
    longest = max(seconds for _, seconds in taken) or 1.0
    step = _WIDE / max(len(taken), _MIN_BARS)
    bars = Markup("").join(
        Markup('<a href="{}" aria-label="{}">{}</a>').format(
            url(f"/dashboard/runs/{run.id}"),
            told := f"{formats.span(seconds)}, {run.status}, {formats.local(run.scheduled_for, zone)}",
            _bar(run.status, place * step, step * 0.8, _height(seconds, longest), told),
        )
        for place, (run, seconds) in enumerate(taken)
    )
    return Markup(
        '<div class="small">longest {}</div><svg class="durations" viewBox="0 0 {} {}" preserveAspectRatio="none" '
        'role="group" aria-label="How long the newest runs took">{}{}</svg>'
    ).format(formats.span(longest), _WIDE, _TALL, bars, _line(usual, longest))


def _bar(kind: str, left: float, width: float, height: float, told: str) -> Markup:
    height = max(2.0, height)
    return Markup(
        '<rect class="c-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
    ).format(kind, left, _TALL - height, width, height, told)


def _line(usual: Usual | None, longest: float) -> Markup:
    """What is usual, where it is within the chart."""
    if usual is None or usual.seconds > longest:
        return Markup("")
    return Markup('<path class="now" d="M0 {:.1f}H{}"></path>').format(_TALL - _height(usual.seconds, longest), _WIDE)


def _height(seconds: float, longest: float) -> float:
    return _TALL * seconds / longest
