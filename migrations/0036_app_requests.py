"""A quota on the requests that the keys of an app may send together in a minute."""

from __future__ import annotations

from typing import Any


def up(_migrator: Any, database: Any) -> None:
    """Add the column: no app has the quota before an administrator puts one."""
    database.execute_sql(
        "ALTER TABLE app_quotas ADD COLUMN requests_per_minute INTEGER CHECK (requests_per_minute > 0)"
    )
