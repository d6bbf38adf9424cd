"""The header Idempotency-Key: check it, identify the request it comes with, and answer that request once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

from falcon.asgi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api import access, answers
from api.answers import Answer
from api.threads import Threads
from api.validation import shown
from core import fingerprints
from core.errors import InvalidInput
from services.requests import idempotency
from services.system import System

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[!-~]{1,255}")

Prepared = TypeVar("Prepared")


class KeyHeader(BaseModel):
    """The same request with the same key, within a day, is carried out once and gets the same answer."""

    model_config = ConfigDict(frozen=True)

    key: Annotated[str | None, Field(alias=HEADER, pattern="^[!-~]{1,255}$")] = None


def read(req: Request) -> str | None:
    """Returns the key that a request came with. Raises `InvalidInput`."""
    key = req.get_header(HEADER)
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidInput.at(HEADER, f"is {shown(key)}; write 1 to 255 visible ASCII characters, without spaces.")
    return key


async def answer_once(
    system: System, threads: Threads, req: Request, resp: Response, *, content: bytes, act: Callable[[], Answer]
) -> None:
    """Answer with what `act` returns; if the same key and content came before, with what it returned then.

    `act` runs in a thread; with a key, in the transaction that stores the key. Raises `InvalidInput` for a wrong key,
    and as `idempotency.once` does.
    """

    def carry_out() -> Answer:
        return Answer(**idempotency.once(system, request(req, content), lambda: asdict(act())))

    answers.give(resp, await threads.run(carry_out))


async def answer_prepared(
    system: System,
    threads: Threads,
    req: Request,
    resp: Response,
    *,
    content: bytes,
    prepare: Callable[[], Prepared],
    act: Callable[[Prepared], Answer],
) -> None:
    """Answer as `answer_once` does; `act` gets what `prepare` returns, which may be slow.

    `prepare` runs before the transaction, and not if the request was answered before.
    """

    def carry_out() -> Answer:
        wanted = request(req, content)
        return Answer(**idempotency.once_prepared(system, wanted, prepare, lambda prepared: asdict(act(prepared))))

    answers.give(resp, await threads.run(carry_out))


async def answer_in_parts(
    system: System,
    threads: Threads,
    req: Request,
    resp: Response,
    *,
    content: bytes,
    act: Callable[[idempotency.Request | None], Answer],
) -> None:
    """Answer as `answer_once` does, where `act` needs many transactions; it gets the request, and does each once."""

    def carry_out() -> Answer:
        wanted = request(req, content)
        answer = idempotency.answered(system, wanted)
        if answer is None:
            made = asdict(act(wanted))
            answer = idempotency.once(system, wanted, lambda: made)
        return Answer(**answer)

    answers.give(resp, await threads.run(carry_out))


def request(req: Request, content: bytes) -> idempotency.Request | None:
    """Returns the request of a key; None without a key. Raises `InvalidInput` for a wrong key.

    Keys are scoped by operation, by caller, and by app if the content names exactly one.
    """
    key = read(req)
    if key is None:
        return None
    value, fingerprint = _read(content)
    caller_id = access.principal(req).caller_id
    scope = [req.method, req.path, str(caller_id or ""), _app_name(value)]
    return idempotency.Request(json.dumps(scope), key, fingerprint)


def _read(content: bytes) -> tuple[Any, str]:
    """Returns the JSON value of content, and its fingerprint: of its text if it is not JSON, which is refused later."""
    try:
        value = json.loads(content) if content else {}
        return value, fingerprints.of(value)
    except (ValueError, RecursionError):
        text = content.decode("latin-1")
        return text, fingerprints.of(text)


def _app_name(value: Any) -> str:
    """Returns the app of a request that is for exactly one: the app of its job, of all its jobs, or of its filter."""
    places = [value, *_members(value, "jobs"), _member(value, "filter")]
    names = {name for name in (_member(place, "app_name") for place in places) if isinstance(name, str)}
    return names.pop() if len(names) == 1 else ""


def _members(value: Any, name: str) -> list[Any]:
    found = _member(value, name)
    return found if isinstance(found, list) else []


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
