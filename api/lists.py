"""Answer with lists: a page becomes a body and the header Link. Done in a thread, since a page may be large."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import falcon
import structlog
from falcon.asgi import Request, Response
from pydantic import BaseModel

from api.schemas.paging import Query, list_of, write_cursor
from core.listing import Mark, Ordering

_TAG_LENGTH = 32
Shown = TypeVar("Shown")
log = structlog.get_logger()

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What showing a row may raise if it holds a value of another form than expected; no error of the database is one."""


@dataclass(frozen=True)
class Listed:
    """A page, ready to be sent, and the paths of other pages by their relation (`next`, `prev`)."""

    body: bytes
    links: Mapping[str, str]


def send(resp: Response, listed: Listed) -> None:
    """Answer with a page; the header Link (RFC 8288) names the other pages."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = listed.body
    if listed.links:
        resp.set_header("Link", ", ".join(f'<{path}>; rel="{relation}"' for relation, path in listed.links.items()))


def send_if_changed(req: Request, resp: Response, listed: Listed) -> None:
    """Answer with a page, or with 304 if the caller's copy is current. Caches must ask before they show a copy."""
    send(resp, listed)
    tag = hashlib.sha256(repr(listed).encode()).hexdigest()[:_TAG_LENGTH]
    resp.etag = tag
    resp.set_header("Cache-Control", "private, no-cache")
    if {tag, "*"}.intersection(req.if_none_match or ()):
        resp.status = falcon.HTTP_NOT_MODIFIED
        resp.data = None


def readable(show: Callable[[Any], Shown], found: Iterable[Any]) -> list[Shown]:
    """Returns rows as they are shown; a row that cannot be shown is logged and left out, so that no list fails."""
    shown = []
    for one in found:
        try:
            shown.append(show(one))
        except UNREADABLE:
            log.exception("row_unreadable", id=str(getattr(one, "id", "")))
    return shown


def listed(model: BaseModel, links: Mapping[str, str]) -> Listed:
    """Returns a page, ready to be sent."""
    return Listed(model.model_dump_json().encode(), links)


def by_cursor(req: Request, query: Query, last: Mark | None, ordering: Ordering) -> dict[str, str]:
    """Returns the path of the page after this mark of the list that `query` asks for, if there is one."""
    return {} if last is None else {"next": _path(req, cursor=write_cursor(last, ordering, list_of(query)))}


def by_name(req: Request, last: str | None) -> dict[str, str]:
    """Returns the path of the page after this name, if there is one."""
    return {} if last is None else {"next": _path(req, after=last)}


def by_version(req: Request, last: int | None) -> dict[str, str]:
    """Returns the path of the page before this version, if there is one."""
    return {} if last is None else {"next": _path(req, before=last)}


def by_day(req: Request, last: date | None) -> dict[str, str]:
    """Returns the path of the page whose last day is this one, if there is one."""
    return {} if last is None else {"next": _path(req, last_day=last.isoformat())}


def by_number(req: Request, number: int, *, more: bool) -> dict[str, str]:
    """Returns the paths of the pages after and before this one, if there are any."""
    after = {"next": _path(req, page=number + 1)} if more else {}
    return after | ({"prev": _path(req, page=number - 1)} if number > 1 else {})


def _path(req: Request, **changes: Any) -> str:
    """Returns the request's path with these parameters changed."""
    return f"{quote(req.path)}?{urlencode({**req.params, **changes}, doseq=True)}"
