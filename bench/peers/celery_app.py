"""Celery on RabbitMQ, with results in PostgreSQL by django-celery-results."""

from __future__ import annotations

import django
import requests
from celery import Celery
from django.conf import settings
from django.core.management import call_command

from bench.peers import surroundings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django_celery_results"],
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": surroundings.django_database()},
)
django.setup()
app = Celery("bench", broker=surroundings.rabbitmq_url(), backend="django-db")
app.conf.update(
    task_default_queue="bench",
    task_track_started=True,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


def _noop(_number: int) -> None:
    surroundings.mark()


def _call(number: int) -> None:
    surroundings.mark()
    requests.post(surroundings.receiver_url(), json={"number": number}, timeout=30).raise_for_status()


tasks = {"noop": app.task(name="noop")(_noop), "call": app.task(name="call")(_call)}


def fill(jobs: int, task: str) -> None:
    """Create the table of results, and send so many messages."""
    call_command("migrate", verbosity=0)
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(jobs):
            tasks[task].apply_async((number,), producer=producer)
