"""What a request for a page says besides its path: who asks, and how they read."""

from __future__ import annotations

import functools
import hmac
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from falcon.asgi import Request

from core import cookies
from core.accounts import SESSION_COOKIE
from core.principals import Principal, PrincipalKind

ZONE_COOKIE = "carillon_zone"
THEME_COOKIE = "carillon_theme"
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True)
class Asked:
    """Who asks for a page, with which parameters; their zone, their theme, and the token of their session's forms."""

    principal: Principal
    path: str
    params: Mapping[str, str]
    zone: ZoneInfo
    theme: str
    form_token: str = field(repr=False)
    now: datetime
    session: str | None = field(repr=False)
    chosen: tuple[str, ...] = ()
    """The ids of what is ticked in a list."""

    @property
    def is_user(self) -> bool:
        """Whether somebody is logged in."""
        return self.principal.kind is PrincipalKind.USER


def read(req: Request, now: datetime) -> Asked:
    """Returns what a request says. Of a parameter that is given more than once, the last counts."""
    params = {name: value if isinstance(value, str) else value[-1] for name, value in req.params.items()}
    theme = _cookie(req, THEME_COOKIE)
    return Asked(
        principal=req.context.principal,
        path=req.path,
        params=params,
        zone=zone(_cookie(req, ZONE_COOKIE)) or ZoneInfo("UTC"),
        theme=theme if theme in THEMES else THEMES[0],
        form_token=form_token(_cookie(req, SESSION_COOKIE)),
        now=now,
        session=_cookie(req, SESSION_COOKIE) or None,
        chosen=tuple(req.get_param_as_list("id") or ()),
    )


def form_token(session: str) -> str:
    """Returns what each form of a session carries, which pages of other sites cannot know; empty without a session."""
    return hmac.digest(session.encode(), b"carillon form", "sha256").hex() if session else ""


@functools.lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo | None:
    """Returns the time zone of this name, if there is one."""
    return ZoneInfo(name) if name in zones() else None


@functools.cache
def zones() -> tuple[str, ...]:
    """Returns the names of all time zones that can be chosen."""
    return tuple(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}))


def _cookie(req: Request, name: str) -> str:
    return cookies.value(req.get_header("Cookie"), name) or ""
