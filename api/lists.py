"""Lists: a page becomes a body and the header Link. All of it is work for a thread, since a page may be large."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import falcon
import structlog
from falcon.asgi import Request, Response
from pydantic import BaseModel

from api.schemas.paging import write_cursor
from core.listing import Mark, Ordering

_TAG_LENGTH = 32
Shown = TypeVar("Shown")
log = structlog.get_logger()


@dataclass(frozen=True)
class Listed:
    """A page, ready to be sent, and the paths that lead on from it, by their relation."""

    body: bytes
    links: Mapping[str, str]


def send(resp: Response, listed: Listed) -> None:
    """Answer with a page; the header Link (RFC 8288) names what there is besides."""
    resp.content_type = falcon.MEDIA_JSON
    resp.data = listed.body
    if listed.links:
        resp.set_header("Link", ", ".join(f'<{path}>; rel="{relation}"' for relation, path in listed.links.items()))


def send_if_changed(req: Request, resp: Response, listed: Listed) -> None:
    """Answer with a page, or with 304 where it is what the caller has kept. It may be kept, never shown unasked."""
    send(resp, listed)
    tag = hashlib.sha256(repr(listed).encode()).hexdigest()[:_TAG_LENGTH]
    resp.etag = tag
    resp.set_header("Cache-Control", "private, no-cache")
    if {tag, "*"}.intersection(req.if_none_match or ()):
        resp.status = falcon.HTTP_NOT_MODIFIED
        resp.data = None


def readable(show: Callable[[Any], Shown], found: Iterable[Any]) -> list[Shown]:
    """What was found, as it is shown; a row that cannot be shown is told in the log and left out: no list fails."""
    shown = []
    for one in found:
        try:
            shown.append(show(one))
        except ValueError:
            log.exception("row_unreadable", id=str(getattr(one, "id", "")))
    return shown


def listed(model: BaseModel, links: Mapping[str, str]) -> Listed:
    """A page as it is sent."""
    return Listed(model.model_dump_json().encode(), links)


def by_cursor(req: Request, last: Mark | None, ordering: Ordering) -> dict[str, str]:
    """The path of what follows this mark, if anything does."""
    return {} if last is None else {"next": _path(req, cursor=write_cursor(last, ordering))}


def by_number(req: Request, number: int, *, more: bool) -> dict[str, str]:
    """Returns the paths of the pages after and before this one; none where there is no such page."""
    after = {"next": _path(req, page=number + 1)} if more else {}
    return after | ({"prev": _path(req, page=number - 1)} if number > 1 else {})


def _path(req: Request, **changes: Any) -> str:
    """What was asked for, but for these parameters."""
    return f"{quote(req.path)}?{urlencode({**req.params, **changes}, doseq=True)}"
