"""Loads an installation's own kinds of task: imports the modules that TASK_TYPES names, which register them."""

from __future__ import annotations

import importlib
import sys

from services.task_types import registry
from settings import ConfigurationError, Settings


def load(settings: Settings) -> None:
    """Import the modules that the settings name. Raises `ConfigurationError` saying in one line what is wrong."""
    for name in filter(None, map(str.strip, settings.task_types.split(","))):
        if name not in sys.modules:
            _load(name)


def _load(name: str) -> None:
    before = len(registry.known())
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        remedy = "put its folder into PYTHONPATH, or correct the name"
        raise ConfigurationError(f"TASK_TYPES names the module {name!r}: {error}; {remedy}.") from None
    except Exception as error:
        message = " ".join(str(error).split())
        raise ConfigurationError(f"TASK_TYPES names the module {name!r}, which fails: {message}") from error
    if len(registry.known()) == before:
        raise ConfigurationError(
            f"TASK_TYPES names the module {name!r}, which registers no task type; let it call registry.register."
        )
