"""The settings: read once from the environment, validated, frozen, handed down."""

from __future__ import annotations

from settings.model import ConfigurationError, Settings, load

__all__ = ["ConfigurationError", "Settings", "load"]
