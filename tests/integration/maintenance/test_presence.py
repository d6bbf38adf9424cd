"""Every kind of process tells that it lives, in which version, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

import periodic as beats
from core.principals import LOCAL
from core.processes import ProcessKind
from core.version import VERSION
from core.workers import WorkerStatus
from models import processes as rows
from services.maintenance.presence import Presence
from services.messaging.broker import InProcessBroker
from services.reading.installation import process_health, processes
from services.reading.installation.processes import ProcessView
from services.runtime import this_process
from tests.factories import NOON, GivenSystem, hear_of
from tests.waiting import until

VERSIONS = {ProcessKind.WEB: ("0.9", VERSION), ProcessKind.COORDINATOR: (VERSION,), ProcessKind.PERIODIC: ("0.8",)}


def known(system: GivenSystem) -> list[ProcessView]:
    return processes.known(LOCAL, system)


def seen(system: GivenSystem, kind: ProcessKind, version: str = VERSION) -> None:
    process = this_process.identity(kind, system.clock.now())
    hear_of(system, {**process.as_json(), "version": version})


def test_a_process_tells_of_itself_until_it_ends(system: GivenSystem) -> None:
    process = Presence(system, ProcessKind.WEB)
    process.start()
    until(lambda: known(system), "it to tell of itself")
    [found] = known(system)
    assert (found.kind, found.version, found.started_at, found.status) == ("web", VERSION, NOON, WorkerStatus.ALIVE)
    process.stop()
    assert known(system)[0].status is WorkerStatus.STOPPED


def test_one_that_is_not_heard_of_is_silent_after_a_lease_and_a_periodic_one_after_two_beats(
    system: GivenSystem,
) -> None:
    for kind in (ProcessKind.WEB, ProcessKind.PERIODIC):
        seen(system, kind)
    system.clock.advance(system.settings.lease_seconds + 1)
    assert {one.kind: one.status for one in known(system)} == {"web": "silent", "periodic": "alive"}
    system.clock.advance(150)
    assert {one.status for one in known(system)} == {WorkerStatus.SILENT}
    with system.transaction():
        assert rows.prune(NOON + timedelta(seconds=1)) == 2


def test_the_parts_tell_the_versions_of_what_lives(system: GivenSystem) -> None:
    assert "web" not in {one.name for one in process_health.known(system, broker=True, troubles=[])}
    for kind, versions in VERSIONS.items():
        for version in versions:
            seen(system, kind, version)
    told = {one.name: one.versions for one in process_health.known(system, broker=True, troubles=[])}
    assert {name: told[name] for name in ("web", "coordinator")} == {"web": (VERSION, "0.9"), "coordinator": (VERSION,)}
    system.clock.advance(3600)
    assert {one.versions for one in process_health.known(system, broker=True, troubles=[])} == {()}


@pytest.mark.parametrize("told", [None, "x", {}, {"id": "1"}, {"id": str(uuid4()), "kind": "web", "pid": "?"}])
def test_what_tells_nothing_of_the_kind_is_let_go(system: GivenSystem, told: Any) -> None:
    hear_of(system, told)
    assert known(system) == []


def test_a_beat_tells_of_the_process_that_sends_it(system: GivenSystem) -> None:
    broker = InProcessBroker()
    consumer = beats.consumer(broker, lambda: None, partial(hear_of, system))
    sender = this_process.identity(ProcessKind.PERIODIC, NOON)
    scheduler = beats.Beats([broker.get_actor("beat")], broker.troubles, sender.as_json())
    scheduler.send_actors(scheduler.actors, datetime.now(UTC))  # one that is late is skipped
    consumer.start()
    until(lambda: known(system), "the beat to be heard")
    consumer.stop()
    broker.close()
    [found] = known(system)
    assert (found.id, found.kind, found.started_at) == (sender.id, "periodic", NOON)
