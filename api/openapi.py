"""The OpenAPI document, made by spectree from the routes and schemas. It only documents: we validate ourselves."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

import falcon.asgi
from pydantic import BaseModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData

from api import keys, operations
from api.bodies import MEDIA_MERGE_PATCH
from api.errors import MEDIA_PROBLEM
from api.operations import Required
from api.schemas.reports import Problem
from core.scopes import Scope
from core.version import VERSION

F = TypeVar("F", bound=Callable[..., Any])
Models = dict[int, type[BaseModel] | None]

_SECRET = "internalSecret"  # noqa: S105  the name of a scheme
_TOKEN = "userToken"  # noqa: S105  the name of a scheme
_REASONS = {
    400: "The request is not as it should be; `errors` names the wrong fields.",
    403: "The installation does not allow it; `detail` names the setting that would.",
    404: "There is no such thing.",
    409: "Its state does not allow this, or the first request with this Idempotency-Key is still under way.",
    412: "It has been changed since: it is in none of the versions that If-Match names.",
    413: "The body is too large.",
    401: "Log in first: send `Authorization: Token <token>`, or the server's secret.",
    415: "The body is not declared to be what is taken here.",
    422: "The Idempotency-Key came with another request before.",
    429: "It was tried too often; try again after `Retry-After` seconds.",
    503: "A server this one stands on is away; try again after `Retry-After` seconds.",
}
_TAKES_BODY = (400, 413, 415)
_KEYED = (400, 409, 413, 422)

_one_at_a_time = threading.Lock()
_access: dict[str, Required] = {}  # what each operation requires, by its id
_tree = SpecTree(
    "falcon-asgi",
    mode="strict",
    annotations=False,
    title="Carillon",
    version=VERSION,
    description="A job-scheduling server. Errors are problem details (RFC 9457); instants are RFC 3339 in UTC.",
    naming_strategy=lambda model: model.__name__,
    nested_naming_strategy=lambda _parent, child: child,
    validation_error_status=500,
    validation_error_model=Problem,
    security_schemes=[
        SecurityScheme(
            name=_SECRET,
            data=SecuritySchemeData(type=SecureType.API_KEY, name="X-Internal-Secret", field_in=InType.HEADER),
        ),
        SecurityScheme(
            name=_TOKEN,
            data=SecuritySchemeData(
                type=SecureType.API_KEY,
                name="Authorization",
                field_in=InType.HEADER,
                description="A user's token, which `POST /api/login/` gives: `Token <token>`.",
            ),
        ),
    ],
)


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
) -> Callable[[F], F]:
    """Declare an operation: whom it is for and in which scope, what it takes, what it answers, which problems it knows.

    One that takes a key answers through `keys`.
    """
    headers = keys.KeyHeader if takes_key else headers
    keyed = _KEYED if takes_key else ()
    codes = sorted({*problems, 503, *(_TAKES_BODY if body or form else ()), *((400,) if query else ()), *keyed})
    models: dict[str, Any] = {f"HTTP_{code}": model for code, model in answers.items()}
    models |= {f"HTTP_{code}": (Problem, _REASONS[code]) for code in codes if code not in answers}
    decorate = _tree.validate(
        query=query,
        headers=headers,
        json=body,
        form=form,
        resp=Response(**models),
        tags=(tag,),
        operation_id=operation_id,
        skip_validation=True,
    )
    declare = operations.operation(access=access, scope=scope, takes_file=form is not None)
    _access[operation_id] = access

    def document_and_declare(responder: F) -> F:
        return declare(cast("F", decorate(responder)))

    return document_and_declare


def document(app: falcon.asgi.App[Any, Any], *, secret_needed: bool) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of an app's routes."""
    spec = _generated(app)
    if not spec["tags"]:
        raise RuntimeError("The OpenAPI document is empty: spectree found no route.")
    for by_method in spec["paths"].values():
        for method, operation in by_method.items():
            operation["security"] = _shown_for(_access[operation["operationId"]], secret_needed=secret_needed)
            _finish(operation)
            if method == "patch":
                content = operation["requestBody"]["content"]
                content[MEDIA_MERGE_PATCH] = content["application/json"]
    return spec


def _generated(app: falcon.asgi.App[Any, Any]) -> dict[str, Any]:
    with _one_at_a_time:
        _tree.app = app
        models = copy.deepcopy(_tree.models)  # spectree takes the nested definitions out of its models as it goes
        spec: dict[str, Any] = _tree._generate_spec()  # noqa: SLF001  `spec` would remember the first app's
        _tree.models = models
    return spec


def _shown_for(access: Required, *, secret_needed: bool) -> list[dict[str, list[str]]]:
    """Returns what a caller shows, one of these: the secret, a user's token, or nothing."""
    if access.is_open:
        return []
    by_secret: list[dict[str, list[str]]] = [{_SECRET: []}] if secret_needed else [{}]
    return by_secret if access is Required.ADMINISTRATION else [*by_secret, {_TOKEN: []}]


def _finish(operation: dict[str, Any]) -> None:
    """Say what spectree cannot: the media type of problems, and what else may go wrong."""
    for parameter in operation["parameters"]:
        _drop_null(parameter["schema"])
    responses = operation["responses"]
    del responses["500"]
    for answer in responses.values():
        content = answer.get("content", {})
        if _is_problem(content):
            answer["content"] = {MEDIA_PROBLEM: content.pop("application/json")}
    schema = {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}
    responses["default"] = {"description": "Any other problem.", "content": {MEDIA_PROBLEM: schema}}


def _drop_null(schema: dict[str, Any]) -> None:
    """A query parameter is left out, never null."""
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    if kinds:
        del schema["default"]
        schema.update(kinds[0])


def _is_problem(content: dict[str, Any]) -> bool:
    schema = content.get("application/json", {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith(f"/{Problem.__name__}")
