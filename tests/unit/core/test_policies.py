"""What becomes of an occurrence that comes while a run of its job is still going."""

from __future__ import annotations

import pytest

from core.policies import Admission, Overlap, admit

START, SKIP, WAIT, REPLACE = Admission.START, Admission.SKIP, Admission.WAIT, Admission.REPLACE


@pytest.mark.parametrize("overlap", Overlap)
def test_where_nothing_is_going_it_starts(overlap: Overlap) -> None:
    assert admit(overlap, going=False, one_waits=False) is START


@pytest.mark.parametrize(
    ("overlap", "one_waits", "admission"),
    [
        (Overlap.SKIP, False, SKIP),
        (Overlap.ALLOW, False, START),
        (Overlap.QUEUE_ONE, False, WAIT),
        (Overlap.QUEUE_ONE, True, SKIP),
        (Overlap.CANCEL_PREVIOUS, False, REPLACE),
        (Overlap.CANCEL_PREVIOUS, True, REPLACE),
    ],
)
def test_where_one_is_going_the_policy_decides(overlap: Overlap, one_waits: bool, admission: Admission) -> None:
    assert admit(overlap, going=True, one_waits=one_waits) is admission
