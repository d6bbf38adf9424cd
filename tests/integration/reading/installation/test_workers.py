"""Workers as they are shown."""

from __future__ import annotations

from core.principals import LOCAL
from services.execution import workers as worker_processes
from services.reading.installation import workers
from tests.factories import NOON, GivenSystem, claim, first_run


def test_workers_are_shown_with_what_they_hold(system: GivenSystem) -> None:
    idle = worker_processes.register(system)
    system.clock.advance(5)
    busy = worker_processes.register(system)
    for _ in range(3):
        first_run(system)
    claim(system, 2, busy)
    system.clock.advance(system.settings.lease_seconds)
    worker_processes.renew(system, busy, {})
    shown = workers.known(LOCAL, system)
    assert [(one.id, one.status, one.running) for one in shown] == [(busy.id, "alive", 2), (idle.id, "silent", 0)]
    assert (shown[0].heartbeat_at, shown[1].started_at) == (system.clock.now(), NOON)
    worker_processes.sign_off(system, busy)
    assert workers.known(LOCAL, system)[0].status == "stopped"
