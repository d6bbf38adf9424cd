"""A built-in receiver for installations that configure no callback address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from local.receiver import Receiver
from settings import Settings


@contextmanager
def for_callbacks(settings: Settings) -> Iterator[Settings]:
    """Start a receiver that echoes, where no callback address is set; yields the settings that lead to it."""
    if settings.callback_base_url is not None:
        yield settings
        return
    receiver = Receiver(folder=settings.data_dir, journal_length=0)
    receiver.start()
    try:
        yield settings.model_copy(update={"callback_base_url": receiver.url})
    finally:
        receiver.stop()
