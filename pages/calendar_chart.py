"""The calendar of a job, drawn as SVG: a column for each week, a cell for each day, which leads to that day's runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode
from uuid import UUID

from markupsafe import Markup

from core import instants
from pages import cells, formats
from services.reading.occurrences.calendar import Day

_CELL, _LEFT, _TOP = 14, 30, 16
_KINDS = ("failed", "missed", "cancelled", "skipped", "completed")
"""What a day is shown as, if there was any of it, the worst first."""
_ROWS = {0: "Mon", 2: "Wed", 4: "Fri"}


def calendar(days: Sequence[Day], job_id: UUID, url: Callable[[str], str]) -> Markup:
    """Returns the days as a calendar."""
    first = days[0].day.weekday()
    drawn = Markup("").join(_cell(place + first, one, job_id, url) for place, one in enumerate(days))
    weeks = (len(days) + first + 6) // 7
    labels = [
        Markup('<text x="0" y="{}">{}</text>').format(_TOP + row * _CELL + 9, name) for row, name in _ROWS.items()
    ]
    labels += [
        Markup('<text x="{}" y="10">{}</text>').format(_LEFT + (place + first) // 7 * _CELL, f"{one.day:%b}")
        for place, one in enumerate(days)
        if one.day.day == 1
    ]
    return Markup('<svg class="calendar" viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}</svg>').format(
        _LEFT + weeks * _CELL, _TOP + 7 * _CELL, _summary(days), Markup("").join(labels), drawn
    )


def _cell(place: int, one: Day, job_id: UUID, url: Callable[[str], str]) -> Markup:
    left, top = _LEFT + place // 7 * _CELL, _TOP + place % 7 * _CELL
    kind = next((kind for kind in _KINDS if getattr(one, kind)), "")
    told = f"{one.day:%a} {one.day.day} {one.day:%b}: {_in_words(one)}"
    look = f"c-{kind}{' partial' * one.is_partial}" if kind else "cold" if one.is_known else "unknown"
    shape = Markup(
        '<g transform="translate({} {})"><rect class="{}" width="{}" height="{}" rx="2"><title>{}</title></rect>{}</g>'
    ).format(left, top, look, cells.SIZE, cells.SIZE, told, cells.mark(kind))
    if not kind:
        return shape
    of_day = {"scheduled_from": instants.shown(one.start), "scheduled_before": instants.shown(one.end)}
    path = url(f"/dashboard/runs?{urlencode({'job_id': job_id, **of_day})}")
    return Markup('<a href="{}" aria-label="{}">{}</a>').format(path, told, shape)


def _in_words(one: Day) -> str:
    if not one.is_known:
        return "not known"
    counts = [(kind, getattr(one, kind)) for kind in ("completed", "failed", "missed", "skipped", "cancelled")]
    told = ", ".join(f"{formats.number(count)} {kind}" for kind, count in counts if count) or "nothing"
    return f"{told}, and runs that were not read or are no longer kept" if one.is_partial else told


def _summary(days: Sequence[Day]) -> str:
    ran, failed = sum(one.completed or 0 for one in days), sum(one.failed or 0 for one in days)
    missed = sum((one.missed or 0) + (one.skipped or 0) for one in days)
    lacking = {
        "not known": sum(not one.is_known for one in days),
        "known in part": sum(one.is_partial and one.is_known for one in days),
    }
    told = f"{len(days)} days: {formats.number(ran)} completed, {failed:,} failed, {missed:,} missed or skipped"
    return "; ".join([told, *(f"{count} {what}" for what, count in lacking.items() if count)])
