"""Make the OpenAPI document, by spectree, from the routes and their declarations. It only documents: we validate.

Imported at the first request for the document: to import spectree and its models takes longer than the rest of a start.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable
from typing import Any

import falcon.asgi
from pydantic import BaseModel
from spectree import Response, SecurityScheme, SpecTree
from spectree.models import InType, SecureType, SecuritySchemeData

from api import openapi
from api.bodies import MEDIA_MERGE_PATCH
from api.errors import MEDIA_PROBLEM
from api.openapi import Description
from api.operations import Required
from api.schemas.reports import Problem
from core.version import VERSION

_SECRET = "internalSecret"  # noqa: S105  the name of a scheme
_TOKEN = "userToken"  # noqa: S105  the name of a scheme
_one_at_a_time = threading.Lock()
_described: dict[str, Description] = {}  # the operations declared to spectree, by id
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
            data=SecuritySchemeData(
                type=SecureType.API_KEY,
                name="X-Internal-Secret",
                field_in=InType.HEADER,
                description="The server's INTERNAL_SECRET, which opens everything; or the key of an app.",
            ),
        ),
        SecurityScheme(
            name=_TOKEN,
            data=SecuritySchemeData(
                type=SecureType.API_KEY,
                name="Authorization",
                field_in=InType.HEADER,
                description="`Bearer <token>`: a user's token, which `POST /api/login/` gives, or the key of an app.",
            ),
        ),
    ],
)


def document(app: falcon.asgi.App[Any, Any], *, secret_needed: bool) -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of an app's routes."""
    spec = _generated(app)
    if not spec["tags"]:
        raise RuntimeError("The OpenAPI document is empty: spectree found no route.")
    for by_method in spec["paths"].values():
        for method, operation in by_method.items():
            description = _described[operation["operationId"]]
            operation["security"] = _shown_for(description.access, secret_needed=secret_needed)
            _finish(operation)
            if description.media is not None:
                operation["responses"]["200"]["content"] = {description.media: {"schema": {"type": "string"}}}
            if method == "patch":
                content = operation["requestBody"]["content"]
                content[MEDIA_MERGE_PATCH] = content["application/json"]
    return spec


def _generated(app: falcon.asgi.App[Any, Any]) -> dict[str, Any]:
    with _one_at_a_time:
        _expect_names_apart(openapi.described)
        for one in openapi.described:
            if one.operation_id not in _described:
                _describe(one)
        _tree.app = app
        models = copy.deepcopy(_tree.models)  # spectree removes the nested definitions from its models while it works
        spec: dict[str, Any] = _tree._generate_spec()  # noqa: SLF001  `spec` would remember the first app's
        _tree.models = models
    return spec


def _describe(one: Description) -> None:
    """Declare an operation to spectree.

    The route keeps the bare responder: spectree's wrapper would only cost each request, since we validate ourselves.
    """
    validated = _tree.validate(
        query=one.query,
        headers=one.headers,
        json=one.body,
        form=one.form,
        resp=Response(**one.answers),
        tags=(one.tag,),
        operation_id=one.operation_id,
        skip_validation=True,
    )(one.responder)
    metadata = _tree._function_metadata  # noqa: SLF001  it is looked up by the function that the route has
    metadata[one.responder] = metadata[validated]
    _described[one.operation_id] = one


def _expect_names_apart(described: Iterable[Description]) -> None:
    """Raises `RuntimeError` if two models share a name: the document would show one of them in place of the other."""
    seen: dict[str, type[BaseModel]] = {}
    for model in (model for one in described for model in one.models()):
        if seen.setdefault(model.__name__, model) is not model:
            raise RuntimeError(f"Two models of the API are named {model.__name__}; rename one.")


def _shown_for(access: Required, *, secret_needed: bool) -> list[dict[str, list[str]]]:
    """Returns the credentials of which a caller sends one: the secret, a user's token, or nothing."""
    if access.is_open:
        return []
    by_secret: list[dict[str, list[str]]] = [{_SECRET: []}] if secret_needed else [{}]
    return by_secret if access is Required.ADMINISTRATION else [*by_secret, {_TOKEN: []}]


def _finish(operation: dict[str, Any]) -> None:
    """Add what spectree leaves out: the media type of problems, and the default problem."""
    for parameter in operation["parameters"]:
        _drop_null(parameter["schema"])
        if parameter["schema"].get("type") == "array":
            parameter["explode"] = False  # one parameter, with commas between
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
