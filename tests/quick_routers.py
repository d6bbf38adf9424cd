"""Routers that are built quickly: what Falcon derives from the same routes again for each app, it derives once.

Most tests of the API and of pages build an app of their own, which takes longer than their requests.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import pytest
from falcon import constants
from falcon.routing import compiled
from falcon.routing.compiled import CompiledRouterNode
from falcon.routing.util import map_http_methods

from api import operations


def install(patch: pytest.MonkeyPatch) -> None:
    """Replace functions of Falcon by others that return the same."""
    patch.setattr(compiled, "iscoroutinefunction", _is_coroutine_function)
    patch.setattr(compiled, "compile", functools.cache(compile), raising=False)
    patch.setattr(CompiledRouterNode, "conflicts_with", _remembered(CompiledRouterNode.conflicts_with))
    for module in (compiled, operations):
        patch.setattr(module, "map_http_methods", _mapped)


def _is_coroutine_function(responder: Any) -> bool:
    """Whether a responder is `async`; asks about one without code of its own as Falcon does."""
    code = getattr(responder, "__code__", None)
    return inspect.iscoroutinefunction(responder) if code is None else bool(code.co_flags & inspect.CO_COROUTINE)


def _remembered(conflicts_with: Any) -> Any:
    """Returns a comparison of two segments of paths that remembers its results."""
    known: dict[tuple[str, str], bool] = {}

    def remembered(node: CompiledRouterNode, segment: str) -> bool:
        pair = node.raw_segment, segment
        if pair not in known:
            known[pair] = conflicts_with(node, segment)
        return known[pair]

    return remembered


def _mapped(resource: Any, suffix: str | None = None, **options: Any) -> dict[str, Any]:
    """Returns the responders of a resource by method: without a search if all are methods of its class."""
    if suffix is not None or any(name.startswith("on_") for name in getattr(resource, "__dict__", ())):
        return dict(map_http_methods(resource, suffix, **options))
    kind: Any = type(resource)
    return {method: getattr(resource, name) for method, name in _responders(kind)}


@functools.cache
def _responders(kind: type) -> list[tuple[str, str]]:
    """Returns the methods of HTTP that a class answers, each with the name of its responder."""
    names = [(method, f"on_{method.lower()}") for method in constants.COMBINED_METHODS]
    return [(method, name) for method, name in names if callable(getattr(kind, name, None))]
