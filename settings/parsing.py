"""How values of settings are read: words, lists, and what several settings give together."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from core import networks, permitted_commands, ports, proxies, urls
from core.accounts import Registration
from core.group_roles import GroupRoles
from core.networks import Reach
from core.permitted_commands import PermittedCommand
from core.rates import Rate
from core.ways import Way

# What `none` stands for where the default is neither an empty text nor nothing.
_NOTHING: dict[str, Any] = {
    "requests_per_minute": 0,
    "apps_per_user": 0,
    "forwarded_allow_ips": "",
    "callback_networks_allowed": "",
    "account_rate": None,
    "registration": Registration.CLOSED,
}


def rate(given: Any) -> Any:
    """Returns the rate that a text gives. Raises `ValueError`."""
    return Rate.parse(given) if isinstance(given, str) else given


def group_roles(given: Any) -> Any:
    """Returns the roles of groups that a text gives. Raises `ValueError`."""
    return GroupRoles.parse(given) if isinstance(given, str) else given


def without_none(name: str, value: Any, default: Any) -> Any:
    """Returns a setting's value; nothing for `none`, unless the setting cannot do without."""
    if not isinstance(value, str) or value.strip().lower() != "none":
        return value
    return _NOTHING.get(name, default if default in ("", None) else value)


def listed(names: str) -> frozenset[str]:
    """Returns the names that commas separate."""
    return frozenset(filter(None, map(str.strip, names.split(","))))


@functools.lru_cache(64)  # each command asks for it
def commands(allowed: str) -> tuple[PermittedCommand, ...]:
    """Returns the commands that COMMANDS_ALLOWED lists."""
    return permitted_commands.listed(allowed)


@functools.lru_cache(64)  # each callback asks for it
def reach(base_url: str | None, networks_allowed: str | None, ports_allowed: str, *, anonymous: bool) -> Reach:
    """Returns where calls may go: to the host of a base URL, and what is given, else loopback if nobody logs in."""
    named = frozenset() if base_url is None else frozenset([urls.host_and_port(base_url)])
    unless_said = networks.LOOPBACK if anonymous else ()
    opened = unless_said if networks_allowed is None else networks.listed(networks_allowed)
    return Reach(opened, named, ports.listed(ports_allowed))


@functools.lru_cache(64)  # each call asks for it
def way(proxy: str | None, ca_bundle: Path | None) -> Way:
    """Returns how calls leave: through which proxies, believing which authorities."""
    return Way(proxy=proxies.listed(proxy or ""), ca_bundle=ca_bundle)
