"""Templates become HTML: what is put into one is text, whatever it holds (Jinja's autoescape)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from pages import charts, formats, words
from pages.asked import Asked
from pages.static_files import FOLDER


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
        self._environment.globals.update(url=url, static=lambda name: url(static(name)), words=words, charts=charts)
        self._environment.globals.update(new_key=lambda: str(uuid4()))
        self._environment.globals.update(common)
        self._environment.filters.update(
            when=_when,
            instant=_instant,
            precise=_precise,
            span=formats.span,
            number=formats.number,
            pretty=formats.pretty,
            plural=formats.plural,
            machine=formats.machine,
        )

    def render(self, template: str, asked: Asked, context: Mapping[str, Any]) -> bytes:
        """Returns a page."""
        return self._environment.get_template(template).render(asked=asked, **context).encode()


@pass_context
def _when(context: Context, instant: datetime | None) -> Markup | str:
    """An instant as seen from now; exact where a pointer rests on it."""
    asked: Asked = context["asked"]
    return "" if instant is None else _time(instant, formats.relative(instant, asked.now, asked.zone), asked)


@pass_context
def _instant(context: Context, instant: datetime | None) -> Markup | str:
    """An instant on the reader's clocks."""
    asked: Asked = context["asked"]
    return "" if instant is None else _time(instant, formats.local(instant, asked.zone), asked, "abs")


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
