"""Versions of jobs that the former release stored tell their account by their definition, later ones by a column."""

from __future__ import annotations

from uuid import UUID

from migrations import runner
from models import database, versions
from tests.integration.models.former import INSTANT, JOB, row


def test_the_account_of_a_version_from_before_is_read_from_its_definition(former: None) -> None:
    runner.upgrade("0044_makers")
    with database.transaction():
        row("job_versions", job_id=JOB, version=1, definition='{"account_id":"acc0"}', replaced_at=INSTANT)
    assert runner.upgrade()[0] == "0045_accounts_of_versions"
    with database.transaction():
        row("job_versions", job_id=JOB, version=2, definition="{}", replaced_at=INSTANT, account_id="acc1")
        assert versions.accounts(UUID(JOB), [1, 2, 3]) == {1: "acc0", 2: "acc1"}
