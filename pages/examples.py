"""What a page shows as commands for a shell: the same by the API."""

from __future__ import annotations

import json
import shlex
from typing import Any

from settings import Settings

_FIRST = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "hello",
    "schedule": {"type": "immediate"},
    "data": {"some_key": "some_value"},
}


def first_job(settings: Settings) -> str:
    """Returns the command that makes a first job."""
    return create(settings, _FIRST)


def create(settings: Settings, job: dict[str, Any]) -> str:
    """Returns the command that makes a job."""
    body = shlex.quote(json.dumps(job, ensure_ascii=False))
    return f"{_curl(settings, '/api/jobs/create')} \\\n  -H 'Content-Type: application/json' -d {body}"


def post(settings: Settings, path: str) -> str:
    """Returns the command that posts to a path."""
    return f"{_curl(settings, path)} -X POST"


def get(settings: Settings, path: str) -> str:
    """Returns the command that reads a path."""
    return _curl(settings, path)


def _curl(settings: Settings, path: str) -> str:
    secret = "" if settings.anonymous else ' -H "X-Internal-Secret: $INTERNAL_SECRET"'
    return f"curl -s {shlex.quote(settings.address + path)}{secret}"
