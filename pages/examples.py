"""What a page shows for whoever would rather write it: the same by the API, from a shell or a program, or as code."""

from __future__ import annotations

import json
import shlex
from pprint import pformat
from typing import Any

from core import yaml_writing
from settings import Settings

_FIRST = {
    "app_name": "app_a",
    "user_id": "user1",
    "account_id": "acc1",
    "task_type": "hello",
    "schedule": {"type": "immediate"},
    "data": {"some_key": "some_value"},
}
_NAMELESS = "# `carillon apply` knows jobs by their names: give this one a name.\n"
_WIDTH = 88


def first_job(settings: Settings) -> str:
    """Returns the command that makes a first job."""
    return create(settings, _FIRST)


def create(settings: Settings, job: dict[str, Any]) -> str:
    """Returns the command that makes a job."""
    return _with_body(_curl(settings, "/api/jobs/create"), job)


def as_yaml(job: dict[str, Any]) -> str:
    """Returns a job as the file that `carillon apply` takes."""
    whole = {"name": job.get("name"), **job}
    declared = {name: value for name, value in whole.items() if name != "app_name" and value is not None}
    text = yaml_writing.write({"app": job.get("app_name"), "jobs": [declared]})
    return text if job.get("name") else _NAMELESS + text


def as_python(settings: Settings, job: dict[str, Any]) -> str:
    """Returns the program that makes a job."""
    imports = "import requests" if settings.anonymous else "import os\n\nimport requests"
    headers = "" if settings.anonymous else '    headers={"X-Internal-Secret": os.environ["INTERNAL_SECRET"]},\n'
    url = f"{settings.address}/api/jobs/create"
    return (
        f"{imports}\n\njob = {pformat(job, sort_dicts=False, width=_WIDTH)}\n"
        f"answer = requests.post(\n    {url!r},\n    json=job,\n{headers}    timeout=30,\n)\n"
        "answer.raise_for_status()\nprint(answer.json()['id'])\n"
    )


def post(settings: Settings, path: str, body: dict[str, Any] | None = None) -> str:
    """Returns the command that posts to a path, with a body if one is given."""
    command = _curl(settings, path)
    return _with_body(command, body) if body else f"{command} -X POST"


def get(settings: Settings, path: str) -> str:
    """Returns the command that reads a path."""
    return _curl(settings, path)


def _with_body(command: str, body: dict[str, Any]) -> str:
    quoted = shlex.quote(json.dumps(body, ensure_ascii=False))
    return f"{command} \\\n  -H 'Content-Type: application/json' -d {quoted}"


def _curl(settings: Settings, path: str) -> str:
    secret = "" if settings.anonymous else ' -H "X-Internal-Secret: $INTERNAL_SECRET"'
    return f"curl -s {shlex.quote(settings.address + path)}{secret}"
