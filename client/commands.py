"""Every command of the client, by name. Only those that are added to a command line are imported."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

import typer

# The module of each: a group is its `app`, a command of its own is a function in it.
_GROUPS = {
    "jobs": "jobs",
    "runs": "runs",
    "apps": "apps",
    "members": "members",
    "keys": "app_keys",
    "limits": "limits",
    "breakers": "breakers",
    "archive": "archive",
    "restore": "restores",
    "workers": "workers",
}
_COMMANDS = {
    "audit": ("audit", "audit"),
    "login": ("login", "login"),
    "upcoming": ("figures", "upcoming"),
    "stats": ("figures", "stats"),
    "waiting": ("figures", "waiting"),
    "preview": ("preview", "preview"),
    "apply": ("applying", "apply"),
    "export": ("exporting", "export"),
    "open": ("opening", "open_dashboard"),
    "pause": ("installation", "pause"),
    "resume": ("installation", "resume"),
}
NAMES = (*_GROUPS, *_COMMANDS)


def add_to(app: typer.Typer, names: Iterable[str] = NAMES) -> None:
    """Add the commands of these names to a command line whose context carries the environment."""
    for name in names:
        if name in _GROUPS:
            app.add_typer(importlib.import_module(f"client.{_GROUPS[name]}").app, name=name)
        else:
            module, function = _COMMANDS[name]
            app.command(name)(getattr(importlib.import_module(f"client.{module}"), function))
