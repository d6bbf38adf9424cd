"""Lists whose queries are kept as text: other values of the same shape, and values as large as callers may give."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import NotFound
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from core.states import JobStatus
from models import lists
from services.jobs import creating
from services.reading import listing
from services.reading.counting import Counts
from tests.factories import GivenSystem, new_job

ALL = Stretch(limit=100)


def test_a_page_far_beyond_the_last_is_not_found(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    far = Stretch(limit=100, page=1_000_000_000)
    with pytest.raises(NotFound):
        listing.jobs(LOCAL, Counts(system.clock), JobFilter(), NEWEST_FIRST, far)
    with pytest.raises(NotFound):
        listing.executions(LOCAL, job_id, far)


def test_lists_of_jobs_of_one_shape_are_asked_with_their_own_values(system: GivenSystem) -> None:
    for task_type in ("mail", "greet", "greet"):
        creating.create(LOCAL, system, new_job(task_type=task_type, tags=(task_type,), account_id=task_type))
    for name in ("task_type", "tag", "account_id"):
        for value, count in (("mail", 1), ("greet", 2)):
            wanted: dict[str, Any] = {name: value}
            assert len(lists.job_page(JobFilter(**wanted), NEWEST_FIRST, ALL).ids) == count, name
    for status, count in ((JobStatus.QUEUED, 3), (JobStatus.RUNNING, 0), (JobStatus.COMPLETED, 0)):
        assert len(lists.job_page(JobFilter(status=status), NEWEST_FIRST, ALL).ids) == count
