"""Lists as a caller walks over them."""

from __future__ import annotations

from typing import Any

from tests.integration.api.client import Client

MANY = 23


def get(client: Client, path: str) -> Any:
    where, _, query = path.partition("?")
    return client.simulate_get(where, query_string=query)


def walk(client: Client, path: str, member: str = "next") -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        page = get(client, following)
        assert page.status_code == 200, page.text
        found += page.json["results"]
        following = page.json[member]
        if member == "next":
            assert ('rel="next"' in page.headers.get("Link", "")) == (following is not None)
    return found


def names(found: list[dict[str, Any]]) -> list[Any]:
    return [job["name"] for job in found]
