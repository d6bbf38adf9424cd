"""Requests under an `Idempotency-Key`."""

from __future__ import annotations

from core import fingerprints
from services.requests.idempotency import Request


def request(body: str = "the body") -> Request:
    return Request("actOnJobs", "a-key", fingerprints.of(body))
