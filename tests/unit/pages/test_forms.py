"""Forms as browsers post them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import falcon
import pytest

from pages import forms


def test_a_form_whose_end_is_missing_is_refused() -> None:
    async def arriving() -> AsyncIterator[bytes]:
        yield b"which=all&action=cancel"

    request = SimpleNamespace(content_type=forms.MEDIA_FORM, content_length=50, stream=arriving())
    with pytest.raises(falcon.HTTPBadRequest) as refused:
        asyncio.run(forms.read(cast("Any", request), cast("Any", None), 10_000))
    assert refused.value.title == "The form is cut off"
