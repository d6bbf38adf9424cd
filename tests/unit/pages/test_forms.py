"""Forms as browsers post them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any, cast

import falcon
import pytest

from api.threads import Threads
from pages import forms


def test_a_form_whose_end_is_missing_is_refused() -> None:
    with pytest.raises(falcon.HTTPBadRequest) as refused:
        read(posted(b"which=all&action=cancel", length=50))
    assert refused.value.title == "The form is cut off"


def test_a_form_is_parsed_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed_in: list[threading.Thread] = []

    def noted(body: bytes, parse: Callable[[bytes], dict[str, str]] = forms._parsed) -> dict[str, str]:
        parsed_in.append(threading.current_thread())
        return parse(body)

    monkeypatch.setattr(forms, "_parsed", noted)
    form = b"form_token=t&data=" + b"%41" * 10_000
    assert read(posted(form, len(form))) == {"data": "A" * 10_000}
    assert len(parsed_in) == 1
    assert threading.current_thread() not in parsed_in


def posted(body: bytes, length: int) -> Any:
    async def arriving() -> AsyncIterator[bytes]:
        yield body

    return SimpleNamespace(content_type=forms.MEDIA_FORM, content_length=length, stream=arriving())


def read(request: Any) -> forms.Form:
    asked = cast("Any", SimpleNamespace(**{forms.TOKEN: "t"}))
    return asyncio.run(forms.read(request, asked, 100_000, Threads(1).run))
