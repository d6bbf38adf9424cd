"""The account of each former version of a job, so that its definition, which may be large, need not be read for it."""

from __future__ import annotations

from typing import Any


def up(_migrator: Any, database: Any) -> None:
    """Add the column; of versions from before, and by processes of the former release, the definition tells it."""
    database.execute_sql("ALTER TABLE job_versions ADD COLUMN account_id TEXT")
