"""`serve`: everything in one process, with a receiver for its callbacks and a first job to try."""

from __future__ import annotations

import typer

from local import trial_receiver
from processes import embedded
from settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with trial_receiver.for_callbacks(settings) as complete:
        embedded.serve(complete, _greet)


def _greet(settings: Settings) -> None:
    url = f"http://{settings.host}:{settings.port}"
    typer.echo(
        f"Carillon serves {url}/dashboard/ (API: {url}/swagger/, data: {settings.data_dir}).\n"
        f"Callbacks go to {settings.callback_base_url}. A first job:\n\n"
        f"  curl -s {url}/api/jobs/create -H 'Content-Type: application/json' -d '"
        '{"app_name": "app_a", "user_id": "user1", "account_id": "acc1", "task_type": "hello", '
        '"schedule": {"type": "immediate"}, "data": {"some_key": "some_value"}}'
        "'\n",
        nl=True,
    )
