"""The settings in force in this process: each with its value, secrets masked, and where it came from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import SecretStr

from core import masking, urls
from core.group_roles import GroupRoles
from core.principals import Principal
from core.rates import Rate
from services.system import System
from settings import Settings

_DERIVED: Mapping[str, Callable[[Settings], Any]] = {
    "database_url": lambda settings: settings.database,
    "rabbitmq_management_url": lambda settings: None if settings.embedded else settings.management_url,
    "requests_per_minute": lambda settings: settings.request_limit,
    "web_concurrency": lambda settings: settings.web_processes,
    "public_url": lambda settings: settings.address,
    "spool_url": lambda settings: settings.spool_address,
    "registration": lambda settings: settings.who_may_register,
    "callback_networks_allowed": lambda settings: ", ".join(map(str, settings.reach.networks)),
}
"""What is in force where a setting leaves it to others."""
_MASKED = ("aws_access_key_id",)
# Up to the last @, so that a password that contains one is hidden completely.
_USERINFO = re.compile(r"(?<=://).*@")


class Origin(StrEnum):
    """Where a value came from: the environment, the default, or other settings."""

    ENVIRONMENT = "environment"
    DEFAULT = "default"
    DERIVED = "derived"


@dataclass(frozen=True)
class SettingView:
    """A setting by the name of its variable; `value` is None if none is in force."""

    name: str
    value: str | None
    origin: Origin


def listed(principal: Principal, system: System) -> list[SettingView]:
    """Returns every setting, in the order of `settings/model.py`. Raises `Forbidden` unless for administrators."""
    principal.expect_administration()
    return [_view(system.settings, name) for name in Settings.model_fields]


def _view(settings: Settings, name: str) -> SettingView:
    value, origin = getattr(settings, name), Origin.DEFAULT
    if name in settings.model_fields_set:
        origin = Origin.ENVIRONMENT
    elif name in _DERIVED:
        value, origin = _DERIVED[name](settings), Origin.DERIVED
    return SettingView(name.upper(), _shown(settings, name, value), origin)


def _shown(settings: Settings, name: str, value: Any) -> str | None:
    if value is None:
        return None
    if name in _MASKED:
        return masking.MASK
    if name == "egress_proxy":
        value = settings.way.proxy and f"{settings.way.proxy.host}:{settings.way.proxy.port}"
    return _without_secrets(_text(value)) or None


def _text(value: Any) -> str:
    match value:
        case SecretStr():
            return masking.MASK
        case bool():
            return "yes" if value else "no"
        case Rate():
            return f"{value.calls}/{value.seconds}"
        case GroupRoles():
            return value.text
    return str(value)


def _without_secrets(text: str) -> str:
    parts = (_USERINFO.sub(f"{masking.MASK}@", one) for one in urls.separated(text))
    return masking.addresses("; ".join(parts))
