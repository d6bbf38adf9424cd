"""What each operation declares for the OpenAPI document, where the operation is defined.

`api.openapi_document` makes the document when it is first requested, so that no process pays for it at its start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, create_model

from api import keys, operations
from api.operations import Required
from api.schemas.reports import Problem
from core.scopes import Scope

F = TypeVar("F", bound=Callable[..., Any])
Models = Mapping[int, type[BaseModel] | None]

_REASONS = {
    400: "The request is wrong; `errors` names the wrong fields.",
    403: "You may not do this; `detail` says which role, scope or setting is missing.",
    404: "Not found.",
    408: "The body came too slowly.",
    409: "Its state does not allow this, or the first request with this Idempotency-Key is still under way.",
    412: "It has been changed since: its ETag is none of those that If-Match names.",
    413: "The body is too large.",
    401: "Log in first: send `Authorization: Bearer <token>`, or the server's secret.",
    415: "The body's Content-Type is not accepted here.",
    422: "The Idempotency-Key was used for another request.",
    429: "Tried too often; try again after `Retry-After` seconds.",
    503: "The database or another server that this one needs is away; try again after `Retry-After` seconds.",
}
_TAKES_BODY = (400, 408, 413, 415)
_KEYED = (400, 409, 413, 422)


@dataclass(frozen=True)
class Description:
    """What the document says of one operation."""

    responder: Callable[..., Any]
    operation_id: str
    tag: str
    access: Required
    answers: Mapping[str, Any]  # by spectree's names for the status codes
    query: type[BaseModel] | None
    headers: type[BaseModel] | None
    body: type[BaseModel] | None
    form: type[BaseModel] | None
    media: str | None  # of its good answer, where that is no JSON

    def models(self) -> Iterator[type[BaseModel]]:
        """Yields the models of what it takes and of what it answers."""
        answers = (one[0] if isinstance(one, tuple) else one for one in self.answers.values())
        yield from (one for one in (self.query, self.headers, self.body, self.form, *answers) if one is not None)


described: list[Description] = []
"""Every operation that was declared, in order."""


def documented(
    operation_id: str,
    tag: str,
    answers: Models,
    *,
    access: Required,
    scope: Scope | None = None,
    query: type[BaseModel] | None = None,
    headers: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    form: type[BaseModel] | None = None,
    problems: tuple[int, ...] = (),
    takes_key: bool = False,
    media: str | None = None,
) -> Callable[[F], F]:
    """Declare an operation: who may call it, its scope, its inputs and its answers, problems included.

    An operation that takes an Idempotency-Key must answer through `keys`.
    """
    headers = _with_key(headers) if takes_key else headers
    keyed = _KEYED if takes_key else ()
    codes = sorted({*problems, 503, *(_TAKES_BODY if body or form else ()), *((400,) if query else ()), *keyed})
    models: dict[str, Any] = {f"HTTP_{code}": model for code, model in answers.items()}
    models |= {f"HTTP_{code}": (Problem, _REASONS[code]) for code in codes if code not in answers}
    declare = operations.operation(access=access, scope=scope, takes_file=form is not None)

    def describe_and_declare(responder: F) -> F:
        described.append(
            Description(
                responder,
                operation_id,
                tag,
                access,
                MappingProxyType(models),
                query,
                headers,
                body=body,
                form=form,
                media=media,
            )
        )
        return declare(responder)

    return describe_and_declare


def _with_key(headers: type[BaseModel] | None) -> type[BaseModel]:
    """Returns a model of these headers and of the Idempotency-Key."""
    if headers is None:
        return keys.KeyHeader
    return create_model(f"Keyed{headers.__name__}", __base__=(keys.KeyHeader, headers))
