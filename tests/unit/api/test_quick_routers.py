"""The routers of tests are built quickly, and are those that Falcon builds."""

from __future__ import annotations

from typing import Any

import pytest

from tests import quick_routers
from tests.factories import given_system
from tests.integration.api.client import served


def routes() -> tuple[str, list[Any]]:
    """The program by which the router of a new app finds routes, and the methods and responders of each."""
    router = served(given_system())._router
    router.find("/")
    found: list[Any] = router._return_values
    return router._finder_src, [
        (node.uri_template, {method: one.__qualname__ for method, one in (node.method_map or {}).items()})
        for node in found
    ]


def test_a_router_that_is_built_quickly_is_the_one_that_falcon_builds(quickened: pytest.MonkeyPatch) -> None:
    quick = routes()
    quickened.undo()
    try:
        assert routes() == quick
    finally:
        quick_routers.install(quickened)
    assert len(quick[1]) > 100
