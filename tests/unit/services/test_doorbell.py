"""The doorbell's thread stands between work and the broker, and keeps no process from stopping."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from services.messaging import doorbell
from services.messaging.broker import InProcessBroker
from services.messaging.doorbell import BrokerDoorbell, Ring
from tests.factories import GivenClock
from tests.waiting import LONGEST

RING = Ring(UUID(int=1), "runs.http")


def test_a_full_doorbell_whose_broker_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, hangs, goes_on = InProcessBroker(), threading.Event(), threading.Event()
    waited: list[float] = []

    def hang(*_about: object, **_named: object) -> None:
        hangs.set()
        assert goes_on.wait(LONGEST)

    monkeypatch.setattr(doorbell, "_KEPT", 1)
    monkeypatch.setattr(broker, "enqueue", hang)
    bell = BrokerDoorbell(broker, GivenClock())
    bell.start()
    bell.ring([RING])
    assert hangs.wait(LONGEST)
    bell.ring([RING])
    with monkeypatch.context() as patch:
        patch.setattr(bell._thread, "join", waited.append)
        bell.close(0.05)
    assert waited == [0.0], "all the time went by while there was no place for the sign to stop"
    goes_on.set()
    bell.close(LONGEST)
