"""The jobs of the installation that a demo keeps: a company's, on a busy day on which not all is well."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core import schedules
from core.policies import Overlap
from services.jobs.definition import NewJob

ZONE = "Europe/Berlin"
NIGHTLY, DUNNING, BANK_FILE = "Nightly invoices", "Dunning letters", "Import bank file"
STOCK, SLOW, REBUILD, CONTACTS = "Import stock", "Refresh recommendations", "Rebuild the warehouse", "Sync contacts"
REPRICE, WHY_MORE_OFTEN = "Reprice the catalogue", "prices were up to five minutes old"
PARTS = 300
POLL_SECONDS = 20
_NIGHT = "0 2 * * *"
_WORK_OF_A_NIGHT_SECONDS = 600


def of_the_week(now: datetime) -> list[NewJob]:
    """Returns jobs that have a history of days; the warehouse is being rebuilt `now`, as each day."""
    rebuilt = (now - timedelta(minutes=18)).astimezone(ZoneInfo(ZONE))
    return [
        _nightly("billing", "acme", NIGHTLY, "make_invoices", "money"),
        _job("billing", "acme", DUNNING, "send_dunning", _cron("30 9 * * mon-fri")),
        _nightly("crm", "initech", "Nightly export of leads", "export_leads"),
        _nightly("shop", "hooli", "Nightly backup of orders", "back_up_orders"),
        _nightly("reports", "globex", "Nightly figures", "nightly_figures", "figures"),
        _job("reports", "acme", SLOW, "refresh_recommendations", _cron("0 */2 * * *"), time_limit_seconds=3600),
        _job("reports", "acme", "Monthly report", "monthly_report", _cron("0 6 1 * *"), deadline_seconds=7200),
        _job(
            "reports",
            "acme",
            REBUILD,
            "rebuild",
            _cron(f"{rebuilt.minute} {rebuilt.hour} * * *"),
            time_limit_seconds=3600,
        ),
    ]


def of_the_day(now: datetime) -> list[NewJob]:
    """Returns jobs that run every few minutes, and coming ones."""
    return [
        _job("billing", "acme", "Charge renewals", "charge_cards", _every(60), priority=8, tags=("money",)),
        _job("billing", "globex", BANK_FILE, "import_bank_file", _every(120), max_retries=0, tags=("money",)),
        _job("crm", "initech", CONTACTS, "sync_contacts", _every(60), tags=("sync",), retry_backoff_base=20),
        _job("crm", "umbrella", "Sync deals", "sync_deals", _every(90, 10), tags=("sync",), retry_backoff_base=20),
        _job("shop", "hooli", REPRICE, "reprice", _cron("*/5 * * * *"), overlap=Overlap.QUEUE_ONE),
        _job("shop", "hooli", "Warm the cache", "warm_cache", _every(60), priority=2),
        _job("shop", "acme", "Winter banner", "show_banner", schedules.RunAt(now + timedelta(days=3))),
        _job("newsletter", "acme", "Confirm addresses", "confirm_addresses", _every(120)),
        _job("newsletter", "acme", "Weekly letter", "send_letter", _cron("0 9 * * tue")),
    ]


def stock() -> NewJob:
    """Returns a job that polls until a long file is read."""
    return _job("shop", "hooli", STOCK, "import_stock", schedules.Polling(interval_seconds=POLL_SECONDS))


def image(number: int, account_id: str, at: datetime) -> NewJob:
    """Returns a job that resizes an image once."""
    return NewJob(
        app_name="shop",
        account_id=account_id,
        user_id="shop",
        task_type="resize_image",
        schedule=schedules.RunAt(at),
        data={"image": f"/images/{number}.jpg", "widths": [320, 1280]},
    )


def exports(at: datetime) -> list[NewJob]:
    """Returns a burst of jobs of one account, far above its rate."""
    return [
        NewJob(
            app_name="billing",
            account_id="globex",
            user_id="batch",
            task_type="export_orders",
            schedule=schedules.RunAt(at),
            title=f"Export orders, part {number}",
            data={"part": number},
        )
        for number in range(1, PARTS + 1)
    ]


def _cron(expression: str) -> schedules.Cron:
    return schedules.Cron(expression, timezone=ZONE)


def _every(seconds: float, jitter: float = 0) -> schedules.Interval:
    return schedules.Interval(every_seconds=seconds, jitter_seconds=jitter)


def _nightly(app_name: str, account_id: str, name: str, task_type: str, *tags: str) -> NewJob:
    return _job(
        app_name,
        account_id,
        name,
        task_type,
        _cron(_NIGHT),
        tags=(*tags, "nightly"),
        time_limit_seconds=_WORK_OF_A_NIGHT_SECONDS,
    )


def _job(
    app_name: str, account_id: str, name: str, task_type: str, schedule: schedules.Schedule, **more: Any
) -> NewJob:
    return NewJob(
        app_name=app_name,
        account_id=account_id,
        user_id="operations",
        name=name,
        task_type=task_type,
        schedule=schedule,
        **more,
    )
