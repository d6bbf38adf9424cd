"""What a form makes and its page shows this once; and a page shown again with what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from falcon.asgi import Request, Response

from core.errors import Conflict, InvalidInput, KeyReused
from pages.asked import Asked
from pages.forms import Form
from pages.site import Load, Site

Make = Callable[[Asked, Form], str]


async def show(
    site: Site, req: Request, resp: Response, make: Make, *, described: Callable[[Asked], dict[str, Any]], back: str
) -> None:
    """Make what is shown, with how the page describes it; the form sent again makes none, and shows none."""
    form = await site.form(req)
    made: list[str] = []

    def do(who: Asked, given: Form) -> str:
        made.append(make(who, given))
        return back

    def load(who: Asked) -> dict[str, Any]:
        site.once(who, form, do)
        return {**described(who), "made": made[0] if made else None, "back": back}

    await site.show(req, resp, "shown_once.html", load)


async def or_again(
    site: Site, req: Request, resp: Response, act: Callable[[], Awaitable[None]], *, template: str, load: Load
) -> None:
    """Act, or show the page again with what is wrong."""
    try:
        await act()
    except KeyReused:
        raise  # 422: this form was sent before
    except (InvalidInput, Conflict) as refusal:
        fields = refusal.fields if isinstance(refusal, InvalidInput) else ()
        wrong = [f"{one.field} {one.message}" for one in fields] or [str(refusal)]
        resp.status = 400 if fields else 409
        await site.show(req, resp, template, lambda who: {**load(who), "wrong": wrong})
