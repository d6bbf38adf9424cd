"""What one chaos run does: its length, its seed, how much of everything there is, and the scaled times."""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass

LEASE_SECONDS, HEARTBEAT_SECONDS = 6.0, 2.0
SHORT_LEASE_SECONDS, SHORT_HEARTBEAT_SECONDS = 3.0, 1.0
CALL_LIMIT_SECONDS = 3.0
MAX_RETRIES = 7
MAX_LOSSES = 3
THREADS = 8
APP = "chaos"
TENANTS = {"big": 0.7, "middle": 0.2, "small": 0.1}
SMALL_TENANTS = ("middle", "small")
POLLS = 10
MIN_CALM = 20
_WHOLE_SECONDS = 600.0
_LONG_SECONDS = 300.0
_SHORT_SECONDS = 120.0


@dataclass(frozen=True)
class Scenario:
    """The size of a run. Even seeds have limits on; with odd ones workers record and claim in one transaction."""

    seed: int
    seconds: float
    through_pgbouncer: bool = False

    @property
    def has_limits(self) -> bool:
        """Whether accounts have a rate and the installation a limit of runs at once."""
        return self.seed % 2 == 0

    @property
    def is_short(self) -> bool:
        """Whether leases and faults are shorter, too, so that each kind of fault has its place."""
        return self.seconds < _SHORT_SECONDS

    @property
    def lease_seconds(self) -> float:
        """How long a worker's lease lasts."""
        return SHORT_LEASE_SECONDS if self.is_short else LEASE_SECONDS

    @property
    def fewest_calm(self) -> int:
        """How many runs of small tenants must fall due outside outages: those of the calm around a flood, at least."""
        return MIN_CALM if self.seconds >= _LONG_SECONDS else 0

    @property
    def load_seconds(self) -> float:
        """How long jobs are created; recurring ones end then, too."""
        return self.seconds * 0.75

    def count(self, of_ten_minutes: int, *, at_least: int = 1) -> int:
        """Returns how many there are in this run of what ten minutes have so many of."""
        return max(at_least, round(of_ten_minutes * self.seconds / _WHOLE_SECONDS))

    def fault_seconds(self, of_ten_minutes: float) -> float:
        """Returns how long a fault lasts in this run."""
        return of_ten_minutes / 2.5 if self.is_short else of_ten_minutes

    def draws(self, purpose: str) -> random.Random:
        """Returns the random numbers for one purpose, the same for the same seed."""
        return random.Random(f"{self.seed}/{purpose}")

    def settings(self) -> dict[str, str]:
        """Returns the environment of every process."""
        heartbeat = SHORT_HEARTBEAT_SECONDS if self.is_short else HEARTBEAT_SECONDS
        limits = {"ACCOUNT_RATE": "40/2", "MAX_CONCURRENT_RUNS": "14"} if self.has_limits else {"ACCOUNT_RATE": "none"}
        return {
            **limits,
            "LEASE_SECONDS": str(self.lease_seconds),
            "HEARTBEAT_SECONDS": str(heartbeat),
            "REPORT_LEASE_SECONDS": str(self.lease_seconds),
            "CALLBACK_TIME_LIMIT_SECONDS": str(CALL_LIMIT_SECONDS),
            "MAX_RETRIES": str(MAX_RETRIES),
            "RETRY_BACKOFF_BASE": "0.5",
            "WORKER_THREADS": str(THREADS),
            "PLAN_AHEAD_SECONDS": "10",
            "BEAT_PATIENCE_SECONDS": "3",
            "SHUTDOWN_GRACE_SECONDS": "5",
            "LOG_LEVEL": "WARNING",
            "EMAIL_USE_TLS": "False",
            "SECRET_KEYS": base64.urlsafe_b64encode(bytes(32)).decode(),
        }
