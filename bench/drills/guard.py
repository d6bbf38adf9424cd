"""What an operator asks the guard of restores: what it holds, and to release it."""

from __future__ import annotations

from typing import Any

import requests

from bench.carillon import Carillon

_PATH = "/api/installation/restore"


def readiness(running: Carillon) -> dict[str, Any]:
    """Returns what /readyz answers."""
    answer: dict[str, Any] = requests.get(f"{running.url}/readyz", timeout=30).json()
    return answer


def troubled_parts(running: Carillon) -> list[str]:
    """Returns the parts in trouble that /readyz names; `restore` is one while the guard holds runs."""
    return [one["part"] for one in readiness(running)["troubles"]]


def held(running: Carillon) -> dict[str, tuple[int, int]]:
    """Returns how many runs are held of each app: those that had begun, and those that had not."""
    answer = requests.get(f"{running.url}{_PATH}", timeout=300)
    answer.raise_for_status()
    return {one["app_name"]: (one["begun"], one["not_begun"]) for one in answer.json()["apps"]}


def release(running: Carillon, **wanted: object) -> int:
    """Release a slice, or all that is held. Returns how many runs were released, or discarded."""
    return int(running.post(f"{_PATH}/release", wanted)["runs"])
