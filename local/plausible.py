"""Jobs as a small company might have them, so that the dashboard of a demo shows work and not three rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

STOCK = "stock.csv"
STOCK_ROWS = 60_000
_IMAGES = 60
_MISSING = "missing.csv"  # the receiver answers 404, so these runs fail for good


def jobs(now: datetime) -> list[dict[str, Any]]:
    """Returns jobs to create."""
    named = [
        _job("billing", "Charge renewals", "charge_card", {"type": "interval", "every_seconds": 20}, priority=8),
        _job("billing", "Nightly invoices", "make_invoices", _cron("0 2 * * *", "Europe/Berlin")),
        _job("billing", "Import bank file", "read_csv", {"type": "interval", "every_seconds": 45}, file_path=_MISSING),
        _job("billing", "Monthly report", "report", {"type": "interval", "frequency": "monthly"}),
        _job("crm", "Sync contacts", "sync_contacts", {"type": "interval", "every_seconds": 30}),
        _job("crm", "Weekday digest", "send_digest", _cron("0 9 * * mon-fri", "America/New_York")),
        _job("crm", "Remind of a trial's end", "remind", _at(now + timedelta(hours=3))),
        _job("shop", "Reprice the catalogue", "reprice", _cron("*/5 * * * *", "UTC")),
        _job("shop", "Import stock", "read_csv", {"type": "polling", "interval_seconds": 3}, file_path=STOCK),
        _job("shop", "Ping", "ping", {"type": "interval", "every_seconds": 10}, priority=2),
        _job("shop", "Winter banner", "show_banner", _at(now + timedelta(days=3))),
    ]
    images = [_job("shop", None, "resize_image", {"type": "immediate"}, image=number) for number in range(_IMAGES)]
    return named + images


def _job(
    app_name: str, title: str | None, task_type: str, schedule: dict[str, Any], priority: int = 5, **data: Any
) -> dict[str, Any]:
    return {
        "app_name": app_name,
        "title": title,
        "account_id": f"{app_name}-1",
        "user_id": "operations",
        "task_type": task_type,
        "schedule": schedule,
        "priority": priority,
        "data": data or {"tenant": app_name},
        "tags": [app_name],
    }


def _cron(expression: str, timezone: str) -> dict[str, Any]:
    return {"type": "cron", "expression": expression, "timezone": timezone}


def _at(instant: datetime) -> dict[str, Any]:
    return {"type": "run_at", "timestamp": instant.isoformat()}
