"""The settings: read once from the environment, validated, frozen, handed down."""

from __future__ import annotations

from settings.model import (
    LONGEST_LEASE_SECONDS,
    LONGEST_REPORT_LEASE_SECONDS,
    ConfigurationError,
    Settings,
    load,
)

__all__ = ["LONGEST_LEASE_SECONDS", "LONGEST_REPORT_LEASE_SECONDS", "ConfigurationError", "Settings", "load"]
