"""Access tokens for requests to targets: fetched by client credentials, one fetch at a time, used until they expire."""

from __future__ import annotations

import base64
import re
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from pydantic import BaseModel, Field, ValidationError

from actors.calls import http
from core import receiver_answers, urls
from core.errors import AttemptError, PermanentFailure, TransientFailure
from services.runtime.abort_scope import AbortScope
from services.system import System
from services.task_types.oauth2 import OAuth2

MAX_KEPT = 1_000
SPARE_SECONDS = 30.0  # a token that expires sooner might expire in transit
MIN_SECONDS = 10.0  # for which a token is used, however soon it expires: a fetch takes no permit of a limit
MAX_FETCHED = 60  # in a minute, of one app at one host: else fetches could be twice as many calls as a limit allows
MINUTE_SECONDS = 60.0
MAX_COUNTED = 1_000
_DEFAULT_LIFETIME_SECONDS = 300.0
_LOOK_SECONDS = 0.1
_FORM = "application/x-www-form-urlencoded"
_SENDABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Token:
    """An access token; `until` is monotonic."""

    key: Hashable = field(repr=False)
    text: str = field(repr=False)
    until: float
    is_new: bool = True


class _Given(BaseModel):
    """The answer of a token endpoint (RFC 6749, section 5.1)."""

    access_token: str = Field(min_length=1, max_length=16_000)
    token_type: str = "bearer"  # noqa: S105  a kind
    expires_in: float | None = Field(default=None, gt=0, allow_inf_nan=False)


class _Refusal(BaseModel):
    """The error answer of a token endpoint (RFC 6749, section 5.2)."""

    error: str = Field(pattern=r"^[a-z_]{1,50}$")


class _Tokens:
    """The tokens of this process, and a lock for each that is being fetched."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Token] = OrderedDict()
        self._being_fetched: dict[Hashable, tuple[threading.Lock, int]] = {}
        self._fetched: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def found(self, key: Hashable, now: float) -> Token | None:
        with self._lock:
            token = self._kept.get(key)
        return token if token is not None and now < token.until else None

    def keep(self, token: Token) -> None:
        with self._lock:
            self._kept[token.key] = replace(token, is_new=False)
            self._kept.move_to_end(token.key)
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)

    def forget(self, token: Token) -> None:
        """Drop a token, unless another has taken its place."""
        with self._lock:
            kept = self._kept.get(token.key)
            if kept is not None and kept.text == token.text:
                del self._kept[token.key]

    def count_fetch(self, place: Hashable, now: float) -> None:
        """Count a fetch at this place. Raises `TransientFailure` if there were `MAX_FETCHED` within a minute."""
        with self._lock:
            fetched = self._fetched.setdefault(place, deque(maxlen=MAX_FETCHED))
            self._fetched.move_to_end(place)
            while len(self._fetched) > MAX_COUNTED:
                self._fetched.popitem(last=False)
            if len(fetched) == MAX_FETCHED and now - fetched[0] < MINUTE_SECONDS:
                raise TransientFailure(
                    f"{MAX_FETCHED} access tokens were fetched there within a minute, the most for one app in a "
                    "process; use fewer clients and scopes, or tokens that last longer.",
                    retry_after_seconds=MINUTE_SECONDS - (now - fetched[0]),
                    was_called=False,
                )
            fetched.append(now)

    @contextmanager
    def fetching(self, key: Hashable, scope: AbortScope) -> Iterator[None]:
        """Keep other threads from fetching the same token meanwhile. Raises `Aborted` if stopped while waiting."""
        with self._lock:
            lock, waiting = self._being_fetched.get(key, (threading.Lock(), 0))
            self._being_fetched[key] = lock, waiting + 1
        try:
            while not lock.acquire(timeout=_LOOK_SECONDS):
                scope.raise_if_aborted()
            try:
                yield
            finally:
                lock.release()
        finally:
            with self._lock:
                lock, waiting = self._being_fetched.pop(key)
                if waiting > 1:
                    self._being_fetched[key] = lock, waiting - 1


_tokens = _Tokens()


def of(system: System, oauth2: OAuth2, call: http.Call, scope: AbortScope) -> Token:
    """Returns the token for a call: a cached one, else a new one, fetched by the way that the call takes.

    Raises `TransientFailure` or `PermanentFailure` if none can be fetched, and `Aborted` as `http.call` does.
    """
    key = (call.way, call.reach, oauth2)
    if token := _tokens.found(key, system.clock.monotonic()):
        return token
    with _tokens.fetching(key, scope):
        if token := _tokens.found(key, system.clock.monotonic()):  # fetched by the previous thread
            return token
        asked_at = system.clock.monotonic()
        _tokens.count_fetch((call.way.app_id, urls.host_and_port(oauth2.token_url)[0]), asked_at)
        try:
            given = _fetched(system, oauth2, call, scope)
        except AttemptError as error:
            error.was_called = False  # the token endpoint was called, not the receiver
            raise
        lasts = given.expires_in or _DEFAULT_LIFETIME_SECONDS
        token = Token(key, given.access_token, asked_at + max(lasts - SPARE_SECONDS, lasts / 2, MIN_SECONDS))
        _tokens.keep(token)
        return token


def was_used_before(token: Token) -> bool:
    """Whether a token had been fetched for an earlier call, so that it may have been revoked since."""
    return not token.is_new


def refused(token: Token) -> AttemptError:
    """Forget a token that a receiver refused. Returns why the attempt is retried."""
    _tokens.forget(token)
    return TransientFailure("The receiver answered 401 to an access token that was used before; a new one is fetched.")


def _fetched(system: System, oauth2: OAuth2, call: http.Call, scope: AbortScope) -> _Given:
    headers = {"Content-Type": _FORM, "Accept": "application/json"}
    if shown := oauth2.user_and_password():
        headers["Authorization"] = f"Basic {base64.b64encode(shown.encode()).decode()}"
    body = urlencode(oauth2.form()).encode()
    way = replace(call.way, certificate=None)  # which is for the target alone
    asked = replace(call, url=oauth2.token_url, method="POST", body=body, headers=headers, way=way)
    answer = http.call(asked, scope)
    failure = receiver_answers.failure_of(answer.status_code, answer.headers.get("retry-after"), system.clock.now())
    if failure is not None:
        raise type(failure)(
            f"The token endpoint answered {answer.status_code}{_said(answer.body)}.",
            status_code=answer.status_code,
            retry_after_seconds=failure.retry_after_seconds,
        )
    return _read(answer.body)


def _read(body: bytes) -> _Given:
    try:
        given = _Given.model_validate_json(body)
    except ValidationError:
        raise PermanentFailure("The token endpoint's answer is no JSON object with an access_token.") from None
    if given.token_type.lower() != "bearer" or _SENDABLE.fullmatch(given.access_token) is None:
        raise PermanentFailure("The token endpoint gave no bearer token that can be sent in a header.")
    return given


def _said(body: bytes) -> str:
    """Returns the error that a token endpoint names, for a message."""
    try:
        told = _Refusal.model_validate_json(body)
    except ValidationError:
        return ""
    return f" ({told.error})"
