"""The names of the database's faults: by code, by words, and what each says to whom."""

from __future__ import annotations

import pytest

from core.database_faults import ADVICE, DatabaseFault, fault_of

CONNECTING = 'connection to server at "10.0.0.7", port 5432 failed: FATAL:  '


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("53100", DatabaseFault.DISK_FULL),
        ("53200", DatabaseFault.OUT_OF_MEMORY),
        ("53300", DatabaseFault.TOO_MANY_CONNECTIONS),
        ("58030", DatabaseFault.DISK_FAULTY),
        ("25006", DatabaseFault.READ_ONLY),
        ("57P03", DatabaseFault.RESTARTING),
        ("57014", DatabaseFault.TOO_SLOW),
        ("SQLITE_FULL", DatabaseFault.DISK_FULL),
        ("SQLITE_IOERR_WRITE", DatabaseFault.DISK_FAULTY),
        ("SQLITE_READONLY_DBMOVED", DatabaseFault.READ_ONLY),
        ("08006", DatabaseFault.AWAY),
        ("", DatabaseFault.AWAY),
    ],
)
def test_a_fault_is_known_by_its_code(code: str, fault: DatabaseFault) -> None:
    assert fault_of(code, "whatever it says") is fault


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("sorry, too many clients already", DatabaseFault.TOO_MANY_CONNECTIONS),
        ('too many connections for role "carillon"', DatabaseFault.TOO_MANY_CONNECTIONS),
        ("no more connections allowed (max_client_conn)", DatabaseFault.TOO_MANY_CONNECTIONS),
        ("the database system is starting up", DatabaseFault.RESTARTING),
        ("could not write init file: No space left on device", DatabaseFault.DISK_FULL),
        ("out of memory", DatabaseFault.OUT_OF_MEMORY),
        ("server is in hot standby mode", DatabaseFault.READ_ONLY),
        ('password authentication failed for user "carillon"', DatabaseFault.AWAY),
    ],
)
def test_what_is_met_while_connecting_has_no_code_and_is_known_by_its_words(words: str, fault: DatabaseFault) -> None:
    assert fault_of("", CONNECTING + words) is fault


def test_a_standby_that_is_asked_to_write_is_known_by_its_words_since_its_code_has_other_meanings() -> None:
    assert fault_of("0A000", "cannot set transaction read-write mode during recovery") is DatabaseFault.READ_ONLY
    assert fault_of("0A000", "cached plan must not change result type") is DatabaseFault.AWAY


@pytest.mark.parametrize("fault", DatabaseFault)
def test_each_fault_has_words_of_its_own_and_a_remedy(fault: DatabaseFault) -> None:
    others = [ADVICE[one].detail for one in DatabaseFault if one is not fault]
    assert ADVICE[fault].detail not in others
    assert ADVICE[fault].remedy
