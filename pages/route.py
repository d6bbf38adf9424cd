"""What a page declares for each of its methods: who answers it, and the operation of the API whose access it shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from falcon.asgi import Request, Response

Responder = Callable[..., Awaitable[None]]
FOR_EVERYONE = None


@dataclass(frozen=True)
class Answer:
    """How a page answers a method. `like` is an operation of the API, `POST /api/jobs/create`; None is for everyone."""

    respond: Responder
    like: str | None


@dataclass(frozen=True)
class Route:
    """A page's path and what it answers."""

    path: str
    get: Answer | None = None
    post: Answer | None = None

    def answers(self) -> dict[str, Answer]:
        """Returns what is answered, by method."""
        return {method: one for method, one in (("GET", self.get), ("POST", self.post)) if one is not None}


def leading_to(url: str) -> Responder:
    """Returns a responder that leads to another page."""

    async def lead(_req: Request, resp: Response, **_parameters: Any) -> None:
        see_other(resp, url)

    return lead


def can_be_led_to(path: str) -> bool:
    """Whether a path may stand in a header: one that was not escaped may hold letters or line ends that may not."""
    return path.isascii() and path.isprintable()


def see_other(resp: Response, url: str) -> None:
    """Answer with a redirect, which a browser follows with GET."""
    resp.status = 303
    resp.set_header("Location", url)
