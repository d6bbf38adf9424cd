"""URLs of both servers, and the faults of settings, line by line."""

from __future__ import annotations

import pytest

from settings import ConfigurationError, load

POSTGRESQL = "postgresql://carillon:hunter2@db/carillon"
RABBITMQ = "amqp://carillon:hunter2@mq/"


def faults(**environ: str) -> list[str]:
    """What is said of these variables, line by line."""
    with pytest.raises(ConfigurationError) as refused:
        load(environ)
    return str(refused.value).split("\n")
