"""The result of a task of one's own is kept as long as it fits, in bytes of UTF-8."""

from __future__ import annotations

from actors.handlers import custom_task
from services.scheduling.run_endings import LONGEST_RESULT

THREE_BYTES = "\u6f22"


def test_a_result_that_fits_is_kept_and_a_longer_one_is_left_out_with_a_note() -> None:
    fits = THREE_BYTES * ((LONGEST_RESULT - 2) // 3)
    assert custom_task._done(fits).result == fits
    too_long = custom_task._done(fits + THREE_BYTES)
    assert too_long.result is None
    assert "longer than" in str(too_long.note)
