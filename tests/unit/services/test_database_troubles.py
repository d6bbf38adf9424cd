"""Faults of the database that calls meet: told by their names until they are over."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable
from services.runtime.database_troubles import MetFaults, names_of, trouble_of
from services.runtime.troubles import Troubles

FULL = DatabaseUnavailable("could not extend file: No space left on device", DatabaseFault.DISK_FULL)


@pytest.fixture
def troubles() -> Troubles:
    return Troubles()


@pytest.fixture
def met(troubles: Troubles) -> MetFaults:
    return MetFaults(troubles)


def test_a_fault_is_told_until_it_was_not_met_between_two_looks(met: MetFaults, troubles: Troubles) -> None:
    met.meet(FULL)
    met.look()
    met.meet(FULL)
    met.look()
    assert names_of(troubles.present()) == ["disk_full"], "it was met since the look before"
    met.look()
    assert troubles.present() == []


def test_a_fault_that_is_met_again_and_again_is_logged_once_with_its_name_and_remedy(met: MetFaults) -> None:
    with capture_logs() as logged:
        for _ in range(3):
            met.meet(FULL)
            met.look()
        met.look()
    begun, over = logged
    assert (begun["event"], begun["fault"], over["event"]) == ("trouble", "disk_full", "trouble_over")
    assert "space" in begun["remedy"]


@pytest.mark.parametrize("fault", [DatabaseFault.AWAY, DatabaseFault.TOO_SLOW])
def test_what_may_be_of_one_call_alone_is_no_trouble(met: MetFaults, troubles: Troubles, fault: DatabaseFault) -> None:
    met.meet(DatabaseUnavailable("canceling statement due to lock timeout", fault))
    assert troubles.present() == []


def test_a_fault_gives_way_to_another_one(met: MetFaults, troubles: Troubles) -> None:
    met.meet(FULL)
    met.meet(DatabaseUnavailable("read-only", DatabaseFault.READ_ONLY))
    assert troubles.present() == [trouble_of(DatabaseFault.READ_ONLY)]
