"""A page shown again with what is wrong with the form that was sent from it: beside its fields, with what was typed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from falcon.asgi import Request, Response

from core.errors import Conflict, InvalidInput, KeyReused, PreconditionFailed
from pages import words
from pages.forms import Form
from pages.site import Load, Site

SECRET = ("value", "current_password", "new_password", "again")
"""What a page does not show again once it was typed."""
_OF_THE_FRAME = ("form_token", "key")
Refusal = InvalidInput | Conflict | PreconditionFailed
_STATUSES: Mapping[type[Refusal], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    Conflict: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
}


async def or_again(
    site: Site,
    req: Request,
    resp: Response,
    act: Callable[[], Awaitable[None]],
    *,
    template: str,
    load: Load,
    form: Form,
    names: Mapping[str, str],
) -> None:
    """Act, or show the page again with what is wrong. `names` has the form's field for each field of the API."""
    try:
        await act()
    except KeyReused:
        raise  # 422: this form was sent before
    except (InvalidInput, Conflict, PreconditionFailed) as refusal:
        resp.status = next(status for kind, status in _STATUSES.items() if isinstance(refusal, kind))
        again = {**_refused(refusal, names), "typed": _as_typed(form)}
        await site.show(req, resp, template, lambda who: {**load(who), **again})


def same(*names: str) -> dict[str, str]:
    """Returns the names of fields that the API and a form call the same."""
    return {name: name for name in names}


def _refused(refusal: Refusal, names: Mapping[str, str]) -> dict[str, Any]:
    """What is wrong: beside fields of the form, and what is about none of them."""
    fields = refusal.fields if isinstance(refusal, InvalidInput) else ()
    beside: dict[str, str] = {}
    others = []
    for one in fields:
        name = names.get(one.field)
        if name is None:
            others.append(f"{one.field} {one.message}")
        else:
            beside[name] = f"{beside[name]} {one.message}" if name in beside else one.message
    return {"beside": beside, "wrong": others if fields else [_in_words(refusal)]}


def _in_words(refusal: Refusal) -> str:
    """What is wrong with no field, but with what the form is about."""
    if isinstance(refusal, PreconditionFailed):
        return words.CHANGED_MEANWHILE
    return f"{words.refusal(HTTPStatus.CONFLICT)}. {refusal}"


def _as_typed(form: Form) -> dict[str, str]:
    return {name: value for name, value in form.items() if name not in (*SECRET, *_OF_THE_FRAME)}
