"""A file that is uploaded by a form: received as the API receives files, piece by piece, and stored by a job."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from core import built_in_apps
from core.errors import InvalidInput, KeyReused, NotFound
from core.principals import Principal
from core.priority import DEFAULT_PRIORITY
from pages import form_values, forms, instants_typed, job_form
from pages.form_values import Filled
from pages.forms import Form
from pages.job_form import Field
from pages.page_request import Asked
from pages.resources.actions import job_path
from pages.site import Site
from services.files.spool import Incoming

FILE, AT = "file", "scheduled_time"
_A_MEBIBYTE = 1024**2


class Received(Protocol):
    """A form whose file has been received: its other fields, and the name of the file, if one was chosen."""

    @property
    def texts(self) -> Mapping[str, str]: ...

    @property
    def file_name(self) -> str: ...

    @property
    def has_file(self) -> bool: ...


Store = Callable[[Incoming, Any], Awaitable[None]]


class Uploads(Protocol):
    """Receives files, and makes their jobs, as the API does."""

    async def receive(
        self, req: Request, store: Store, *, has_key: bool, before_file: Callable[[Mapping[str, str]], None]
    ) -> None:
        """Receive the form of a request, which `store` gets with its file; `before_file` may refuse it."""

    def accept(self, principal: Principal, incoming: Incoming, texts: Mapping[str, str], file_name: str) -> UUID:
        """Create the job of a received file. Returns its id. Raises `InvalidInput` naming the wrong fields."""


class UploadPage:
    """`/dashboard/upload`."""

    def __init__(self, site: Site, uploads: Uploads) -> None:
        self._site = site
        self._uploads = uploads

    async def show(self, req: Request, resp: Response) -> None:
        """Show the form, empty."""
        await self._site.show(req, resp, "upload.html", lambda who: self._context(who, Filled({})))

    async def upload(self, req: Request, resp: Response) -> None:
        """Receive the file and lead to its job, or show the form again with what is wrong."""
        asked, typed = self._site.asked(req), dict[str, str]()

        def check(texts: Mapping[str, str]) -> None:
            """Refuse a form of another session before its file comes."""
            typed.update(forms.of_texts(texts, asked))

        async def store(incoming: Incoming, received: Received) -> None:
            await self._store(req, resp, incoming, received)

        try:
            await self._uploads.receive(req, store, has_key=True, before_file=check)
        except KeyReused:
            raise  # 422: this form was sent before
        except (InvalidInput, NotFound) as refusal:
            await self._show_again(req, resp, typed, form_values.as_input(refusal), HTTPStatus.BAD_REQUEST)
        except falcon.HTTPContentTooLarge as refusal:
            wrong = InvalidInput.at(FILE, str(refusal.description))
            await self._show_again(req, resp, typed, wrong, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    async def _store(self, req: Request, resp: Response, incoming: Incoming, received: Received) -> None:
        """Make the job of a file, once under the key of its form, and lead to it."""
        if not received.has_file:
            raise InvalidInput.at(FILE, "must be chosen.")
        form = forms.of_texts(received.texts, self._site.asked(req))

        def do(who: Asked, given: Form) -> str:
            texts = _as_the_api_has_them(given, who)
            return job_path(self._uploads.accept(who.principal, incoming, texts, received.file_name), "created")

        content = json.dumps([received.file_name, incoming.sha256])
        await self._site.carry_out(req, resp, {**form, FILE: content}, do)

    async def _show_again(
        self, req: Request, resp: Response, typed: Form, wrong: InvalidInput, status: HTTPStatus
    ) -> None:
        def load(who: Asked) -> dict[str, Any]:
            errors, others = job_form.beside(wrong, [Field(FILE, "File"), *_fields(who)])
            return self._context(who, Filled(typed, errors, others))

        resp.status = status
        await self._site.show(req, resp, "upload.html", load)

    def _context(self, who: Asked, shown: Filled) -> dict[str, Any]:
        settings = self._site.system.settings
        return {
            "kinds": job_form.kinds(settings),
            "other_kinds": job_form.kinds_with_pages(settings),
            "fields": _fields(who),
            "most": _size(settings.max_upload_bytes),
            "filled": shown,
        }


def _fields(who: Asked) -> list[Field]:
    """The fields besides the file. Whose a file is is not asked of users: it is theirs."""
    own = [
        Field("file_name", "File name", hint="in place of the one that it has"),
        Field(AT, "Store it at", "instant", hint="at once if empty"),
        Field("priority", "Priority", "number", hint=f"0 to 9, the higher the sooner; {DEFAULT_PRIORITY} by default"),
        Field("max_retries", "Retries", "number", hint="of storing it"),
    ]
    owner = [
        Field("app_name", "App", hint=f"{built_in_apps.DEFAULT} if empty"),
        Field("account_id", "Account", hint=f"{who.principal.name} if empty"),
        Field("user_id", "User", hint=f"{who.principal.name} if empty"),
    ]
    return [*own, *owner] if who.principal.sees_all else own


def _as_the_api_has_them(form: Form, who: Asked) -> dict[str, str]:
    texts = {name: value for name, value in form.items() if value and name != FILE}
    if AT in texts:
        texts |= {"schedule_type": "scheduled", AT: instants_typed.read(texts[AT], who.zone)}
    return texts


def _size(count: int) -> str:
    return f"{count / _A_MEBIBYTE:g} MiB" if count >= _A_MEBIBYTE else f"{count:,} bytes"
