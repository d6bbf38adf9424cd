"""Remember at which waiting party a worker's last claim ended, so that the next claim begins after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core import fairness
from models.hot.rows import Picked


class Rotation:
    """For each queue and priority, the party after which the next claim's walk begins; local to one process."""

    def __init__(self) -> None:
        self._after: dict[str, dict[int, str]] = {}

    def after(self, queue: str) -> Mapping[int, str]:
        """Returns the parties after which to begin in a queue, by priority."""
        return self._after.get(queue, {})

    def advance(self, queue: str, picked: Collection[Picked]) -> None:
        """Note that runs of these priorities and parties were claimed."""
        after = self._after.setdefault(queue, {})
        for priority in {priority for priority, _ in picked}:
            parties = (party for its_priority, party in picked if its_priority == priority)
            after[priority] = fairness.farthest(parties, after.get(priority, ""))
