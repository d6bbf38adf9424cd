"""What each operation of the API declares where it is defined: who may call it, its scope, whether it takes a file.

A route whose operation declares nothing is refused when it is added, so that nothing is open by oversight.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar
from uuid import UUID

from falcon.asgi import Request
from falcon.routing import CompiledRouter, UUIDConverter, map_http_methods

from core.principals import Principal
from core.scopes import Scope

_DECLARATION = "declared_operation"
_HANDSHAKE = "WEBSOCKET"

Responder = TypeVar("Responder", bound=Callable[..., Any])


class Required(IntEnum):
    """What an operation requires of a principal, from the least to the most.

    A caller with the installation's secret meets every requirement, and so does every caller if no secret is set.
    """

    NOTHING = 0
    RECEIVER = 1  # a token for one run or one file, which the resource checks
    IDENTITY = 2  # of a caller who is known, whatever their scopes
    ACCOUNT = 3  # the operation shows or makes only what is the caller's own
    JOB = 4  # the one in the path is visible to the caller, and they may do this with it
    RUN = 5  # as JOB
    APP = 6  # as JOB
    ADMINISTRATION = 7

    @property
    def is_open(self) -> bool:
        """Whether an operation is open to callers who are not authenticated."""
        return self <= Required.RECEIVER

    @property
    def in_path(self) -> str | None:
        """Returns the parameter of the path that names the one thing this is about."""
        return _IN_PATH.get(self)


_IN_PATH = {Required.JOB: "job_id", Required.RUN: "run_id", Required.APP: "name"}
_OF_SCOPE = (Required.ACCOUNT, *_IN_PATH, Required.ADMINISTRATION)


@dataclass(frozen=True)
class Operation:
    """What an operation declares."""

    access: Required
    scope: Scope | None = None
    takes_file: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it declares a scope, unless its access needs none."""
        return self.scope is not None or self.access not in _OF_SCOPE

    def expect(self, principal: Principal) -> None:
        """Raises `Forbidden` unless a principal may ask for it at all, whatever the one thing that it is about."""
        if self.access.is_open or self.scope is None:
            return
        principal.expect_scope(self.scope)
        if self.access is Required.ADMINISTRATION:
            principal.expect_administration()


UNKNOWN = Operation(Required.IDENTITY)
"""For paths without a route, so that strangers do not learn which paths exist."""
_UNDECLARED = Operation(Required.ADMINISTRATION, Scope.APP)


@dataclass(frozen=True)
class Found:
    """The operation that a request asks for, and the id or name in its path of the job, run or app it is about."""

    operation: Operation
    key: Any = None


class UndeclaredOperationError(RuntimeError):
    """A route was added with an operation that does not declare its access as it should."""


def operation(
    *, access: Required, scope: Scope | None = None, takes_file: bool = False
) -> Callable[[Responder], Responder]:
    """Declare a responder's operation. Those in the OpenAPI document declare it by `openapi.documented`."""

    def declare(responder: Responder) -> Responder:
        setattr(responder, _DECLARATION, Operation(access, scope, takes_file))
        return responder

    return declare


def with_operation(found: Operation) -> Callable[[Responder], Responder]:
    """Give a responder the operation of another, so that a page requires the same access as the API."""

    def declare(responder: Responder) -> Responder:
        setattr(responder, _DECLARATION, found)
        return responder

    return declare


def like(other: Any) -> Callable[[Responder], Responder]:
    """Declare a responder's operation as another responder has declared it, if it has."""

    def declare(responder: Responder) -> Responder:
        setattr(responder, _DECLARATION, _declared(other))
        return responder

    return declare


def _declared(responder: Any) -> Operation | None:
    found: Operation | None = getattr(responder, _DECLARATION, None)
    return found


class CanonicalId(UUIDConverter):
    """Accepts an id only in the form in which we give it out, so that each thing has one path, fit for a header."""

    def convert(self, value: str) -> UUID | None:
        found = super().convert(value)
        return found if found is not None and str(found) == value.lower() else None


class Routes(CompiledRouter):
    """The routes of an app, each with what its operations declare."""

    def __init__(self) -> None:
        super().__init__()
        self.options.converters["uuid"] = CanonicalId
        self._declared: dict[str, Mapping[str, Operation]] = {}

    def add_route(self, uri_template: str, resource: Any, **options: Any) -> None:
        """Add a route. Raises `UndeclaredOperationError`."""
        declared = _declarations(uri_template, resource, options.get("suffix"))
        super().add_route(uri_template, resource, **options)
        self._declared[uri_template] = declared

    def found(self, req: Request) -> Found:
        """Returns the operation that a request or a handshake asks for, before it is routed."""
        route = self.find(req.path, req)
        if route is None:
            return Found(UNKNOWN)
        _, _, params, uri_template = route
        method = _HANDSHAKE if req.is_websocket else req.method
        asked_for = self.operation(uri_template or "", method)
        return Found(asked_for, params.get(asked_for.access.in_path or ""))

    def declared(self, uri_template: str, method: str) -> Operation:
        """Returns what the operation of a route declares. Raises `KeyError` where there is none."""
        return self._declared[uri_template][method]

    def resource_at(self, path: str) -> Any:
        """Returns the resource that answers at a path, or None."""
        route = self.find(path)
        return None if route is None else route[0]

    def operation(self, uri_template: str, method: str) -> Operation:
        """Returns what a route declares for a method.

        OPTIONS, or a method that it does not answer, requires the least that any of its operations requires: who may
        use one of them may learn which there are.
        """
        operations = self._declared.get(uri_template, {})
        return operations.get(method) or min(operations.values(), key=lambda one: one.access, default=_UNDECLARED)


def _declarations(uri_template: str, resource: Any, suffix: str | None) -> dict[str, Operation]:
    operations = {}
    for method, responder in map_http_methods(resource, suffix=suffix).items():
        found = _declared(responder)
        if found is None:
            raise UndeclaredOperationError(f"{method} {uri_template} declares no access; decorate {responder}.")
        if not found.is_whole:
            raise UndeclaredOperationError(f"{method} {uri_template} declares no scope; decorate {responder}.")
        named = found.access.in_path
        if named is not None and re.search(rf"{{{named}[:}}]", uri_template) is None:
            raise UndeclaredOperationError(f"{method} {uri_template} is about one {found.access.name}, but names none.")
        operations[method] = found
    return operations
