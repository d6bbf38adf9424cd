"""Keys of limits: what a limit is on. Each is one text, for example `account:shop/acc1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from core import json_text, names, urls

INSTALLATION = "installation"
DESTINATION = "destination:"
ACCOUNT = "account:"
KEY_LENGTH = 500
NAME_LENGTH = 200
"""The longest key that is filled from data."""

SPELLINGS = "installation, app:NAME, account:APP/ACCOUNT, host:HOST, job:ID or key:APP/NAME"
_EXAMPLES = f"write {SPELLINGS}, for example account:shop/acc1."
_VALUE = re.compile(r"\{\{\s*data\.(\w+(?:\.\w+)*)\s*\}\}")
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]")


class LimitKind(StrEnum):
    """What a limit can be on."""

    INSTALLATION = "installation"
    APP = "app"
    ACCOUNT = "account"
    HOST = "host"
    JOB = "job"
    KEY = "key"


@dataclass(frozen=True)
class LimitKey:
    """A key: its kind, the app that it names, and the account, host, job or key of data."""

    kind: LimitKind
    app_name: str = ""
    name: str = ""

    @property
    def text(self) -> str:
        """Returns the key as it is written and stored."""
        match self.kind:
            case LimitKind.INSTALLATION:
                return INSTALLATION
            case LimitKind.APP:
                return of_app(self.app_name)
            case LimitKind.ACCOUNT:
                return of_account(self.app_name, self.name)
            case LimitKind.KEY:
                return of_data(self.app_name, self.name)
            case _:
                return f"{self.kind.value}:{self.name}"


def of_app(app_name: str) -> str:
    """Returns the key of an app."""
    return f"app:{app_name}"


def of_account(app_name: str, account_id: str) -> str:
    """Returns the key of an account of an app; equal accounts of two apps have different keys."""
    return f"{ACCOUNT}{app_name}/{account_id}"


def of_job(job_id: UUID) -> str:
    """Returns the key of a job."""
    return f"job:{job_id}"


def of_data(app_name: str, name: str) -> str:
    """Returns the key that an app's task type fills from a job's data."""
    return f"key:{app_name}/{name}"


def of_destination(app_name: str, host: str) -> str:
    """Returns the key of a host as one app calls it, which is for its breaker, not for limits."""
    return f"{DESTINATION}{app_name}/{host}"


def is_of_destination(key: str) -> bool:
    """Whether a key, as it is stored, is that of a destination."""
    return key.startswith(DESTINATION)


def read_destination(key: str) -> tuple[str, str] | None:
    """Returns the app and the host of a destination's key; None for any other text."""
    app_name, slash, host = key.removeprefix(DESTINATION).partition("/")
    if not is_of_destination(key) or not (app_name and slash and host):
        return None
    return app_name, host


def of_host(url: str) -> str | None:
    """Returns the key of the host that a URL names, if it names one."""
    try:
        host = urls.host_and_port(url)[0].lower().removesuffix(".")
    except ValueError:
        return None
    return f"host:[{host}]" if ":" in host else f"host:{host}" if host else None


def fault_of_template(text: str) -> str | None:
    """Returns what is wrong with a template of keys, such as `orders-{{data.region}}`, or None."""
    rest = _VALUE.sub("", text)
    if "{" in rest or "}" in rest:
        return "holds braces that are no {{data.NAME}}; write text and {{data.NAME}}, for example {{data.customer}}."
    if fault := names.fault_of_name(text):
        return f"{fault}; write for example {{{{data.customer}}}}."
    return None


def filled(template: str, data: Any) -> str | None:
    """Returns a template filled from a job's data; None if a value is missing or neither a text nor a whole number."""
    parts: list[str] = []
    end = 0
    for match in _VALUE.finditer(template):
        value = _value(data, match[1].split("."))
        if isinstance(value, bool) or not isinstance(value, str | int):
            return None
        parts += [template[end : match.start()], str(value)]
        end = match.end()
    name = "".join([*parts, template[end:]])
    return name if 0 < len(name) <= NAME_LENGTH else None


def _value(data: Any, path: list[str]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def is_of_app(key: str) -> bool:
    """Whether a key, as it is stored, is of one app, or of something in it."""
    return key != INSTALLATION and not key.startswith("host:")


def needs_job(key: str) -> bool:
    """Whether a run's job and data must be read to know whether the run has this (stored) key."""
    return key.startswith(("host:", "key:", DESTINATION))


def read(text: str) -> LimitKey:
    """Parse a key from a text. Raises `ValueError`, which says what is wrong and what to write."""
    if fault := _fault_of_text(text):
        raise ValueError(f"{fault}; {_EXAMPLES}")
    if text == INSTALLATION:
        return LimitKey(LimitKind.INSTALLATION)
    kind, colon, rest = text.partition(":")
    if not colon or kind not in set(LimitKind) - {LimitKind.INSTALLATION} or not rest:
        raise ValueError(f"is {text!r}, whose kind is not known; {_EXAMPLES}")
    return _of_kind(LimitKind(kind), rest)


def _fault_of_text(text: str) -> str | None:
    if len(text) > KEY_LENGTH:
        return f"has {len(text)} characters, more than {KEY_LENGTH}"
    if json_text.bad_text(text) or names.fault_of_name(text):
        return f"is {text!a}, which {names.fault_of_name(text) or 'is no text'}"
    return None


def _of_kind(kind: LimitKind, rest: str) -> LimitKey:
    match kind:
        case LimitKind.APP:
            return LimitKey(kind, rest)
        case LimitKind.HOST:
            return LimitKey(kind, name=_host(rest))
        case LimitKind.JOB:
            return LimitKey(kind, name=_job(rest))
        case _:
            app_name, slash, name = rest.partition("/")
            if not (app_name and slash and name):
                raise ValueError(f"is {f'{kind}:{rest}'!r}, which names no app and {kind}; {_EXAMPLES}")
            return LimitKey(kind, app_name, name)


def _host(text: str) -> str:
    host = text.lower().removesuffix(".")
    if _HOST.fullmatch(host) is None:
        raise ValueError(
            f"is {f'host:{text}'!r}; write the plain name or address of one host, without scheme, port, path, pattern "
            "or template, for example host:api.example.com."
        )
    return host


def _job(text: str) -> str:
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise ValueError(f"is {f'job:{text}'!r}, which holds no id of a job; {_EXAMPLES}")
    return str(found)
