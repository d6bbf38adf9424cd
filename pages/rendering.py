"""Templates become HTML: what is put into one is text, whatever it holds (Jinja's autoescape)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from core.principals import NAMELESS
from core.usual import Slower
from pages import (
    audit_links,
    calendar_chart,
    call_chart,
    call_words,
    cells,
    changes,
    charts,
    duration_chart,
    effects,
    formats,
    naming,
    occurrence_chart,
    series_charts,
    words,
)
from pages.compiled_templates import CompiledTemplates
from pages.page_request import THEMES, Asked, zones
from pages.static_files import FOLDER
from services.reading.statistics.slow_jobs import SlowJob

_FOLDER = FOLDER.with_name("templates")
_A_DAY = timedelta(days=1)
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RUNS = re.compile(rf"(?<=the run ){_ID}|(?:(?<=behind )|(?<=under way: )){_ID}(?:, {_ID})*")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00| UTC))")


class Templates:
    """The templates of all pages. `url` puts the prefix before a path, behind which a proxy may serve them."""

    def __init__(self, url: Callable[[str], str], static: Callable[[str], str], common: Mapping[str, Any]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=CompiledTemplates(_FOLDER, _compiled_in()),
        )
        self._environment.globals.update(url=url, static=lambda name: url(static(name)), words=words)
        self._environment.globals.update(NAMELESS=NAMELESS, THEMES=THEMES, zones=zones)
        self._environment.globals.update(charts=charts, series_charts=series_charts)
        self._environment.globals.update(
            phases=call_chart.phases, phase=call_words.phase, called=naming.called, key_path=naming.key_path
        )
        self._environment.globals.update(account_path=naming.account_path, runs_of_wait=naming.runs_of_wait)
        self._environment.globals.update(account_of_key=naming.account_of_key, entries_of=audit_links.entries_of)
        self._environment.globals.update(pace_of=formats.pace, effects=effects)
        self._environment.globals.update(
            occurrences=lambda found, job_id, zone: occurrence_chart.occurrences(found, job_id, zone, url)
        )
        self._environment.globals.update(calendar=lambda days, job_id: calendar_chart.calendar(days, job_id, url))
        self._environment.globals.update(cell_of=cells.sample)
        self._environment.globals.update(
            durations=lambda runs, times, usual, zone: duration_chart.durations(runs, times, usual, zone, url)
        )
        self._environment.globals.update(minute_link=lambda path: lambda at: url(path(at=at)))
        self._environment.globals.update(new_key=lambda: str(uuid4()))
        self._environment.globals.update(common)
        self._environment.filters.update(
            when=_when,
            soon=_soon,
            instant=_instant,
            told=_told,
            at_zone=_at_zone,
            with_runs=lambda sentence: _with_runs(sentence, url),
            slower=_slower,
            precise=_precise,
            span=formats.span,
            about=formats.about,
            number=formats.number,
            pretty=formats.pretty,
            changes=changes.lines,
            plural=formats.plural,
            machine=formats.machine,
        )

    def prepare(self, *templates: str) -> None:
        """Compile templates, so that the first who asks for them does not wait for it."""
        for template in templates:
            self._environment.get_template(template)

    def prepare_all(self) -> None:
        """Compile all templates."""
        self.prepare(*self._environment.list_templates(extensions=["html"]))

    def render(self, template: str, asked: Asked, context: Mapping[str, Any]) -> bytes:
        """Returns a page."""
        return self._environment.get_template(template).render(asked=asked, **context).encode()


def compile_all() -> None:
    """Compile all templates and keep them, for processes that may not write where they are kept."""
    Templates(lambda path: path, lambda name: name, {}).prepare_all()


def _compiled_in() -> str:
    """The text of all modules here: filters and globals come from several, and what is constant is compiled in."""
    return "\n".join(module.read_text(encoding="utf-8") for module in sorted(Path(__file__).parent.glob("*.py")))


@pass_context
def _when(context: Context, instant: datetime | None) -> Markup | str:
    """An instant as seen from now; exact where a pointer rests on it."""
    asked: Asked = context["asked"]
    return "" if instant is None else _time(instant, formats.relative(instant, asked.now, asked.zone), asked)


@pass_context
def _soon(context: Context, instant: datetime) -> str:
    """How far an instant beside which it stands is from now, where that is less than a day."""
    asked: Asked = context["asked"]
    is_soon = abs(instant - asked.now) < _A_DAY
    return formats.relative(instant, asked.now, asked.zone) if is_soon else ""


@pass_context
def _instant(context: Context, instant: datetime | None) -> Markup | str:
    """An instant on the reader's clocks."""
    asked: Asked = context["asked"]
    return "" if instant is None else _time(instant, formats.local(instant, asked.zone), asked, "abs")


@pass_context
def _slower(context: Context, slow: Slower | SlowJob) -> Markup:
    """How much slower than usual a job has been, and since when."""
    return Markup("{} \u00d7 usual since {}").format(formats.times(slow.times), _instant(context, slow.since))


@pass_context
def _told(context: Context, sentence: str) -> Markup:
    """A sentence with the instants in it on the reader's clocks."""
    pieces = _INSTANT.split(sentence)  # every second one is an instant
    shown = [
        _instant(context, datetime.fromisoformat(piece.replace(" UTC", "Z"))) if number % 2 else piece
        for number, piece in enumerate(pieces)
    ]
    return Markup("").join(shown)


def _with_runs(told: Markup, url: Callable[[str], str]) -> Markup:
    """A sentence that was told, with links to the runs in it."""

    def link(one: re.Match[str]) -> str:
        return Markup('<a class="mono" href="{}">{}</a>').format(url(f"/dashboard/runs/{one[0]}"), one[0])

    linked = _RUNS.sub(lambda found: re.sub(_ID, link, found[0]), str(told))
    return Markup(linked)  # noqa: S704  escaped when it was told, and ids need no escape


def _at_zone(instant: datetime, zone: ZoneInfo) -> str:
    """An instant on the clocks of another zone than the reader's."""
    return formats.local(instant, zone)


@pass_context
def _precise(context: Context, instant: datetime) -> Markup:
    """An instant on the reader's clocks, to the millisecond."""
    asked: Asked = context["asked"]
    return _time(instant, formats.local(instant, asked.zone, milliseconds=True), asked, "abs")


def _time(instant: datetime, text: str, asked: Asked, kind: str = "rel") -> Markup:
    exact = f"{formats.exact(instant)}; {formats.local(instant, asked.zone)} {asked.zone.key}"
    return Markup('<time class="{}" datetime="{}" title="{}">{}</time>').format(
        kind, formats.machine(instant), exact, text
    )
