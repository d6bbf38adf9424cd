"""The header Idempotency-Key: what it may hold, and the request that it stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from falcon.asgi import Request
from pydantic import BaseModel, ConfigDict, Field

from api.callers import Caller
from api.validation import shown
from core.errors import InvalidInput
from services import idempotency

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[!-~]{1,255}")


class KeyHeader(BaseModel):
    """The same request under the same key, within a day, is carried out once and answered alike."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[str | None, Field(alias=HEADER, pattern="^[!-~]{1,255}$")] = None


def read(req: Request) -> str | None:
    """The key that a request came with. Raises `InvalidInput`."""
    key = req.get_header(HEADER)
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidInput.at(HEADER, f"is {shown(key)}; write 1 to 255 visible ASCII characters, without spaces.")
    return key


def request(
    operation_id: str, key: str | None, body: Any, caller: Caller, app_names: Iterable[str]
) -> idempotency.Request | None:
    """What is asked for under a key, if there is one: this operation, with this JSON body.

    A key is its caller's own, and that of the app, where the request is for one app alone.
    """
    if key is None:
        return None
    apps = set(app_names)
    scope = (operation_id, str(caller.owner_id or ""), apps.pop() if len(apps) == 1 else "")
    return idempotency.Request(":".join(scope), key, idempotency.fingerprint(body))
