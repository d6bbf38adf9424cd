"""What a peer's process gets: its servers, and the file in which each job leaves its mark."""

from __future__ import annotations

import functools
import os
import struct
import time
from typing import Any
from urllib.parse import urlsplit

MARK = struct.Struct("d")


def database_url() -> str:
    """Returns the URL of the peer's database."""
    return os.environ["BENCH_DATABASE"]


def rabbitmq_url() -> str:
    """Returns the URL of the peer's virtual host."""
    return os.environ["BENCH_RABBITMQ"]


def receiver_url() -> str:
    """Returns the URL that the jobs call."""
    return os.environ["BENCH_RECEIVER"]


def django_database() -> dict[str, Any]:
    """Returns the database as a setting of Django, with persistent connections."""
    parts = urlsplit(database_url())
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": parts.password,
        "CONN_MAX_AGE": None,
    }


def mark() -> None:
    """Record that a job has run, and when, in one write, so that those of other processes do not mix with it."""
    os.write(_marks(), MARK.pack(time.time()))


@functools.cache
def _marks() -> int:
    return os.open(os.environ["BENCH_MARKS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
