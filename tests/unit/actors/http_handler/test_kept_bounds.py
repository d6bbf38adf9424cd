"""How long connections are kept, and how many."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from actors.calls import kept_connections
from actors.calls.kept_connections import IDLE_SECONDS, LIFE_SECONDS, MOST, KeptConnections, Key
from actors.calls.wire import Wire
from core.networks import PUBLIC
from tests.waiting import until

KEY = Key("http", "one.test", 80, None, PUBLIC)


class House:
    """Kept connections on a clock that a test moves, and the other ends of all that are made."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.kept = KeptConnections(lambda: self.now)
        self.ends: list[socket.socket] = []

    def wire(self) -> Wire:
        ours, theirs = socket.socketpair()
        self.ends.append(theirs)
        made = Wire(ours)
        made.opened_at = self.now
        return made

    def is_closed(self, number: int) -> bool:
        self.ends[number].setblocking(False)
        try:
            return not self.ends[number].recv(1)
        except ConnectionResetError:  # with something unread
            return True
        except BlockingIOError:
            return False


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.kept.close_all()
    for end in made.ends:
        end.close()


def test_a_connection_idle_for_two_seconds_is_used_again_and_one_idle_for_longer_is_closed(house: House) -> None:
    wire = house.wire()
    house.kept.keep(KEY, wire)
    house.now += IDLE_SECONDS
    assert house.kept.take(KEY) is wire
    house.kept.keep(KEY, wire)
    house.now += IDLE_SECONDS + 0.001
    assert house.kept.take(KEY) is None
    assert house.is_closed(0)


def test_a_connection_lives_for_sixty_seconds_however_busy_it_is(house: House) -> None:
    wire = house.wire()
    for _ in range(int(LIFE_SECONDS)):
        house.kept.keep(KEY, wire)
        house.now += 1
        assert house.kept.take(KEY) is wire
    house.kept.keep(KEY, wire)
    house.now += 0.001
    assert house.kept.take(KEY) is None
    assert house.is_closed(0)


@pytest.mark.parametrize("end", [lambda end: end.sendall(b"x"), lambda end: end.shutdown(socket.SHUT_WR)])
def test_a_readable_connection_is_closed(house: House, end: Callable[[socket.socket], None]) -> None:
    house.kept.keep(KEY, house.wire())
    end(house.ends[0])
    assert house.kept.take(KEY) is None
    assert house.is_closed(0)


def test_the_newest_is_taken_first_and_each_once(house: House) -> None:
    wires = [house.wire() for _ in range(3)]
    for wire in wires:
        house.kept.keep(KEY, wire)
    assert [house.kept.take(KEY) for _ in range(4)] == [*reversed(wires), None]
    for wire in wires:
        wire.close()


def test_of_more_than_256_the_oldest_is_closed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 256
    monkeypatch.setattr(kept_connections, "MOST", 3)
    for number in range(4):
        house.kept.keep(Key("http", f"{number}.test", 80, None, PUBLIC), house.wire())
    assert len(house.kept) == 3
    assert [house.is_closed(number) for number in range(4)] == [True, False, False, False]


def test_what_nobody_takes_again_is_closed_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", 0.01)
    house.kept.keep(KEY, house.wire())
    house.now += 1
    until(lambda: house.is_closed(0), "the idle connection to be closed")
    assert len(house.kept) == 0
    house.kept.keep(KEY, house.wire())
    house.now += 1
    until(lambda: house.is_closed(1), "the next one too")
