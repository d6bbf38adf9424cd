"""The probe of the broker goes on asking, whatever an answer breaks on."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator

import pytest

from processes import probe
from processes.probe import BrokerProbe
from services.runtime.troubles import Trouble
from tests.waiting import LONGEST

AMISS = Trouble("runs.http", "It is declared otherwise.", "Delete it.")


class FailingBroker:
    """Breaks at the first question, and answers all further ones."""

    def __init__(self) -> None:
        self.asked: queue.Queue[int] = queue.Queue()
        self._questions = 0

    def unusable(self, _queues: Iterable[str]) -> list[Trouble]:
        self._questions += 1
        self.asked.put(self._questions)
        if self._questions == 1:
            raise AttributeError("'NoneType' object has no attribute 'channel'")
        return [AMISS]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[FailingBroker]:
    monkeypatch.setattr(probe, "_ASK_EVERY_SECONDS", 0.01)
    made = FailingBroker()
    probing = BrokerProbe(made)
    yield made
    probing.stop()


def test_an_unexpected_error_does_not_end_the_questions(broker: FailingBroker) -> None:
    assert [broker.asked.get(timeout=LONGEST) for _ in range(3)] == [1, 2, 3]
