"""The settings in force as callers get them."""

from __future__ import annotations

from api.schemas.values import Shown
from services.reading.installation.settings_in_force import Origin


class Setting(Shown):
    """A setting by the name of its environment variable, secrets masked; `value` is null where none is in force."""

    name: str
    value: str | None
    origin: Origin


class SettingsInForce(Shown):
    """The settings of the process that answers."""

    results: list[Setting]
