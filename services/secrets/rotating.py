"""Seals all stored secrets again once SECRET_KEYS has a new key in front, so that the former can be taken away."""

from __future__ import annotations

from core.errors import Misconfigured
from models import database, sealed
from services.secrets import sealing
from settings import Settings


def rotate(settings: Settings) -> int:
    """Seal every secret with the first key, or none of them. Returns how many there are.

    Raises `Misconfigured` where no key is set, or none opens one of them.
    """
    if not sealing.is_possible(settings):
        raise Misconfigured("SECRET_KEYS is not set: give the new key, a comma, and the former one.")
    with database.transaction():
        return sealed.replace_all(lambda text: sealing.resealed(settings, text))
