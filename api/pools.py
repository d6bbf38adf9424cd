"""The threads in which requests wait, in pools."""

from __future__ import annotations

from dataclasses import dataclass

from api.resources.archive import MAX_AT_ONCE as MAX_AT_ARCHIVE
from api.threads import Threads
from services.execution.test_call_places import MAX_AT_ONCE as MAX_TEST_CALLS
from services.system import System

_MAX_ASKING = 2  # logins at the identity provider at a time
_MAX_LOOKING = 2  # at the database and the broker, so that readiness waits behind no slow request
_MAX_ACTING = 2  # on many jobs or runs at a time
_MAX_HASHING = 2  # passwords at a time: each takes 19 MiB and much of a processor


@dataclass(frozen=True)
class Pools:
    """Threads in which requests wait, apart where a slow one would hold up the others."""

    general: Threads
    hashing: Threads
    asking: Threads
    calling: Threads
    acting: Threads
    at_archive: Threads
    health: Threads

    @classmethod
    def of(cls, system: System) -> Pools:
        """Returns the pools of an installation."""
        return cls(
            Threads(system.settings.web_threads),
            Threads(_MAX_HASHING),
            Threads(_MAX_ASKING),
            Threads(MAX_TEST_CALLS, share=MAX_TEST_CALLS),  # a person's second call is refused, and waits for none
            Threads(_MAX_ACTING),
            Threads(MAX_AT_ARCHIVE),
            Threads(_MAX_LOOKING),
        )

    def all(self) -> tuple[Threads, ...]:
        """Returns every pool, so that all can be ended."""
        return self.general, self.hashing, self.asking, self.calling, self.acting, self.at_archive, self.health
