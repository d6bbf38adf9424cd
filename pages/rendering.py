"""Templates become HTML: what is put into one is text, whatever it holds (Jinja's autoescape)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from pages import calendar_chart, call_chart, changes, charts, duration_chart, formats, series_charts, words
from pages.asked import Asked
from pages.static_files import FOLDER

_A_DAY = timedelta(days=1)
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)")


class Templates:
    """The templates of all pages. `url` puts the prefix before a path, behind which a proxy may serve them."""

    def __init__(self, url: Callable[[str], str], static: Callable[[str], str], common: Mapping[str, Any]) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER.with_name("templates")),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(url=url, static=lambda name: url(static(name)), words=words)
        self._environment.globals.update(charts=charts, series_charts=series_charts)
        self._environment.globals.update(phases=call_chart.phases)
        self._environment.globals.update(calendar=lambda days, job_id: calendar_chart.calendar(days, job_id, url))
        self._environment.globals.update(
            durations=lambda runs, usual, zone: duration_chart.durations(runs, usual, zone, url)
        )
        self._environment.globals.update(new_key=lambda: str(uuid4()))
        self._environment.globals.update(common)
        self._environment.filters.update(
            when=_when,
            soon=_soon,
            instant=_instant,
            told=_told,
            precise=_precise,
            span=formats.span,
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

    def render(self, template: str, asked: Asked, context: Mapping[str, Any]) -> bytes:
        """Returns a page."""
        return self._environment.get_template(template).render(asked=asked, **context).encode()


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
def _told(context: Context, sentence: str) -> Markup:
    """A sentence with the instants in it on the reader's clocks."""
    pieces = _INSTANT.split(sentence)  # every second one is an instant
    shown = [
        _instant(context, datetime.fromisoformat(piece)) if number % 2 else piece for number, piece in enumerate(pieces)
    ]
    return Markup("").join(shown)


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
