"""What a failover may lose: nothing that the standby had, and nothing at all if the primary waited for it."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bench.drills.load import Created

MAX_LAG_SECONDS = 5.0  # of a standby that follows asynchronously, on a busy machine


@dataclass(frozen=True)
class Failover:
    """When the standby still followed, when the primary was killed, and when the standby was promoted."""

    followed_until: float
    killed_at: float
    promoted_at: float

    def may_lose(self, one: Created) -> bool:
        """Whether asynchronous replication may lose this job: it was acknowledged when the standby was behind."""
        return self.followed_until - MAX_LAG_SECONDS <= one.at <= self.promoted_at


def judged(created: Sequence[Created], stored: AbstractSet[str], failover: Failover | None) -> tuple[bool, str]:
    """Returns whether no acknowledged job is lost that may not be, and in words what is; without a failover none may.

    Jobs that were acknowledged are lost if they are not stored.
    """
    lost = [one for one in created if one.id not in stored]
    found = f"{len(lost)} of {len(created)} acknowledged jobs are not stored"
    if failover is None or not lost:
        return not lost, found
    first, last = (failover.killed_at - at for at in (min(one.at for one in lost), max(one.at for one in lost)))
    behind = failover.killed_at - failover.followed_until
    found += f": acknowledged {first:.1f} to {last:.1f} s before the kill, when the standby was {behind:.1f} s behind"
    return all(map(failover.may_lose, lost)), found
