"""What a form makes and its page shows this once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falcon.asgi import Request, Response

from pages.forms import Form
from pages.page_request import Asked
from pages.site import Site

Make = Callable[[Asked, Form], str]


async def show(
    site: Site,
    req: Request,
    resp: Response,
    form: Form,
    make: Make,
    *,
    described: Callable[[Asked], dict[str, Any]],
    back: str,
) -> None:
    """Make what is shown, with how the page describes it; the form sent again makes none, and shows none."""
    made: list[str] = []

    def do(who: Asked, given: Form) -> str:
        made.append(make(who, given))
        return back

    def load(who: Asked) -> dict[str, Any]:
        site.once(who, form, do)
        return {**described(who), "made": made[0] if made else None, "back": back}

    await site.show(req, resp, "shown_once.html", load)
