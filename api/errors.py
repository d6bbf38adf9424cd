"""Turn errors into problem details (RFC 9457): ours by one table; Falcon's and unforeseen ones in the same form."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import falcon
import falcon.asgi
import structlog
from falcon.asgi import Request, Response, WebSocket
from falcon.asgi.ws import http_status_to_ws_code
from falcon.asgi_spec import WSCloseCode

from core.database_faults import ADVICE
from core.errors import (
    BrokerUnavailable,
    CarillonError,
    Conflict,
    DatabaseUnavailable,
    FieldError,
    Forbidden,
    InvalidInput,
    KeyReused,
    NotAuthenticated,
    NotFailed,
    NotFound,
    PreconditionFailed,
    TooMany,
    Unavailable,
    WrongToken,
)
from services.runtime import database_troubles

MoreMembers = Callable[[str, str, Sequence[FieldError], str | None], dict[str, Any]]
"""Maps the path, the detail, the wrong fields and the noun of what is missing to further members of a problem."""

MEDIA_PROBLEM = "application/problem+json"
log = structlog.get_logger()


@dataclass(frozen=True)
class Kind:
    """How an error is shown: its status, a stable name, and a constant title."""

    status: HTTPStatus
    name: str
    title: str


KINDS: dict[type[CarillonError], Kind] = {
    InvalidInput: Kind(HTTPStatus.BAD_REQUEST, "invalid-input", "Some fields are wrong"),
    KeyReused: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "key-reused", "The key was used for another request"),
    Forbidden: Kind(HTTPStatus.FORBIDDEN, "forbidden", "You may not do this"),
    NotAuthenticated: Kind(HTTPStatus.UNAUTHORIZED, "not-authenticated", "Log in again"),
    WrongToken: Kind(HTTPStatus.UNAUTHORIZED, "wrong-token", "The token is not for this run"),
    NotFound: Kind(HTTPStatus.NOT_FOUND, "not-found", "Not found"),
    NotFailed: Kind(HTTPStatus.BAD_REQUEST, "not-failed", "Only what has failed can be retried"),
    PreconditionFailed: Kind(HTTPStatus.PRECONDITION_FAILED, "precondition-failed", "It has been changed since"),
    Conflict: Kind(HTTPStatus.CONFLICT, "conflict", "Its state does not allow this"),
    TooMany: Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many", "Tried too often"),
    Unavailable: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable"),
}
_BROKER_AWAY = "The message broker does not answer at present. Nothing is lost; try again in a moment."
_TRY_AGAIN = "Nothing is known to be lost; try again in a moment."
_UNFORESEEN = "Something went wrong here. It is logged under this request id."
_RETRY_AFTER_SECONDS = "1"
_LONGEST_PATH = 200
_DETAILS = {
    HTTPStatus.NOT_FOUND: "There is nothing at this path. GET /openapi.json lists the paths.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This path does not accept this method; the header Allow names those it accepts.",
}


def install(app: falcon.asgi.App[Any, Any], more: MoreMembers) -> None:
    """Make the app answer every error with a problem detail; `more` returns the members that a path adds to it."""
    problems = _Problems(more)
    app.set_error_serializer(problems.serialize_falcon)
    app.add_error_handler(Exception, problems.answer_unforeseen)
    app.add_error_handler(CarillonError, problems.answer_ours)
    app.add_error_handler(falcon.HTTPError, problems.answer_falcons)


class _Problems:
    """Answers errors with problem details; `more` returns the members that a path adds."""

    def __init__(self, more: MoreMembers) -> None:
        self._more = more

    async def answer_ours(
        self,
        req: Request,
        resp: Response | None,
        error: CarillonError,
        params: dict[str, Any],
        ws: WebSocket | None = None,
    ) -> None:
        kind = next((KINDS[one] for one in type(error).__mro__ if one in KINDS), None)
        if kind is None:
            await self.answer_unforeseen(req, resp, error, params, ws)
        elif resp is not None:
            self._answer_kind(req, resp, error, kind)
        elif ws is not None:
            await ws.close(http_status_to_ws_code(kind.status))

    def _answer_kind(self, req: Request, resp: Response, error: CarillonError, kind: Kind) -> None:
        members: dict[str, Any] = {"type": f"/problems/{kind.name}"}
        detail = str(error)
        if isinstance(error, (InvalidInput, Forbidden)) and error.fields:
            members["errors"] = [{"field": one.field[:_LONGEST_PATH], "message": one.message} for one in error.fields]
        if isinstance(error, InvalidInput):
            detail = _wrong_fields(error)
            members["faults"] = error.fields
        if isinstance(error, NotFound):
            members["missing"] = error.noun
        if isinstance(error, WrongToken):
            resp.set_header("WWW-Authenticate", "X-Carillon-Report-Token")
        if isinstance(error, NotAuthenticated):
            resp.set_header("WWW-Authenticate", "Token")
        if isinstance(error, TooMany):
            resp.set_header("Retry-After", str(error.seconds))
        if isinstance(error, DatabaseUnavailable):
            detail = self._database_unavailable(resp, error)
        elif isinstance(error, Unavailable):
            log.warning("unavailable", error=detail)
            resp.set_header("Retry-After", _RETRY_AFTER_SECONDS)
            detail = _BROKER_AWAY if isinstance(error, BrokerUnavailable) else detail
        self._write(req, resp, kind.status, title=kind.title, detail=detail, **members)

    def _database_unavailable(self, resp: Response, error: DatabaseUnavailable) -> str:
        """Returns which fault it is, in words that anybody may read; the database's own are for the log."""
        log.warning("unavailable", fault=error.fault, error=str(error))
        database_troubles.met.meet(error)
        advice = ADVICE[error.fault]
        resp.set_header("Retry-After", str(advice.retry_after_seconds))
        return f"{advice.detail} {_TRY_AGAIN}"

    async def answer_falcons(
        self,
        req: Request,
        resp: Response | None,
        error: falcon.HTTPError,
        _params: dict[str, Any],
        ws: WebSocket | None = None,
    ) -> None:
        """Answer as Falcon does, but log no error: callers without access are refused many times a day."""
        if resp is not None:
            resp.status = error.status
            resp.set_headers(error.headers or {})
            self.serialize_falcon(req, resp, error)
        elif ws is not None:
            log.debug("handshake_refused", status=error.status_code)
            await ws.close(http_status_to_ws_code(error.status_code))

    async def answer_unforeseen(
        self,
        req: Request,
        resp: Response | None,
        error: Exception,
        _params: dict[str, Any],
        ws: WebSocket | None = None,
    ) -> None:
        log.error("request_failed", method=req.method, route=req.uri_template, exc_info=error)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        if resp is not None:
            self._write(req, resp, status, title=status.phrase, detail=_UNFORESEEN)
        elif ws is not None:
            await ws.close(WSCloseCode.SERVER_ERROR)

    def serialize_falcon(self, req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
        status = HTTPStatus(error.status_code)
        detail = error.description or _DETAILS.get(status, status.description)
        title = error.title if error.title and not error.title[:3].isdigit() else status.phrase
        # A path that Falcon does not know is most often that of a job with a malformed id.
        self._write(
            req, resp, status, title=title, detail=detail, missing="job" if status == HTTPStatus.NOT_FOUND else None
        )

    def _write(
        self,
        req: falcon.Request | Request,
        resp: falcon.Response | Response,
        status: HTTPStatus,
        faults: Sequence[FieldError] = (),
        missing: str | None = None,
        **members: Any,
    ) -> None:
        problem = {
            "type": "about:blank",
            "status": status.value,
            "instance": req.path,
            "request_id": req.context.get("request_id"),
            **self._more(req.path, members["detail"], faults, missing),
            **members,
        }
        resp.status = status.value
        resp.content_type = MEDIA_PROBLEM
        resp.text = None
        resp.data = json.dumps(problem).encode()


def _wrong_fields(error: InvalidInput) -> str:
    names = list(dict.fromkeys(one.field[:_LONGEST_PATH] for one in error.fields))
    if len(error.fields) == 1:
        message = error.fields[0].message
        return message if message[:1].isupper() else f"{names[0]} {message}"
    return f"{len(error.fields)} values are wrong: {', '.join(names)}."
