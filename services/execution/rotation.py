"""Remember at which waiting party a worker's last claim ended, so that the next claim begins after it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from core import fairness
from models import database
from models.hot.rows import Picked


class Rotation:
    """For each queue and priority, the party after which the next claim's walk begins; local to one process."""

    def __init__(self) -> None:
        self._after: dict[str, Mapping[int, str]] = {}

    def after(self, queue: str) -> Mapping[int, str]:
        """Returns the parties after which to begin in a queue, by priority."""
        return self._after.get(queue, {})

    def advance(self, queue: str, picked: Collection[Picked]) -> None:
        """Note that runs of these priorities and parties are claimed; undone if the claim is rolled back.

        Else those parties would have their next turn only after all others.
        """
        former = self._after.get(queue, {})
        after = self._after[queue] = dict(former)
        for priority in {priority for priority, _ in picked}:
            parties = (party for its_priority, party in picked if its_priority == priority)
            after[priority] = fairness.farthest(parties, after.get(priority, ""))
        database.or_undo(partial(self._after.__setitem__, queue, former))
