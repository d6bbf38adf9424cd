"""What a company has to do on a Tuesday, and how its receivers answer: for pictures of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from core import schedules
from core.errors import PermanentFailure, TransientFailure
from core.policies import Overlap
from core.receiver_answers import PollAnswer
from local.simulation import Behaviour
from services.execution.work import Failed, Succeeded, Work
from services.jobs.definition import NewJob

RECEIVERS = {
    "billing": "https://billing.example.com",
    "crm": "https://crm.example.com",
    "shop": "https://shop.example.com",
    "reports": "https://reports.example.com",
}
ROWS = 60_000
_POLL_SECONDS = 20.0
_BROKEN_SHARE = 0.02
_ACCOUNTS = ("acme", "globex", "initech", "umbrella", "hooli")
_OUTAGE = (datetime(2026, 12, 1, 12, 41, tzinfo=UTC), datetime(2026, 12, 1, 12, 52, tzinfo=UTC))
BURST = datetime(2026, 12, 1, 13, 32, tzinfo=UTC)
_BEGIN = datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
_WHOLE_SECONDS = 12_400.0  # so that 60 % are read after the two hours that are shown


def _cron(expression: str, timezone: str = "Europe/Berlin", **more: Any) -> schedules.Cron:
    return schedules.Cron(expression, timezone=timezone, **more)


def _every(seconds: float, jitter: float = 0) -> schedules.Interval:
    return schedules.Interval(every_seconds=seconds, jitter_seconds=jitter)


def _job(
    app_name: str, account_id: str, name: str, task_type: str, schedule: schedules.Schedule, **more: Any
) -> NewJob:
    more["tags"] = ("ops", *more.get("tags", ()))
    return NewJob(
        app_name=app_name,
        account_id=account_id,
        user_id="operations",
        name=name,
        task_type=task_type,
        schedule=schedule,
        **more,
    )


JOBS = (
    _job("billing", "acme", "Charge renewals", "charge_cards", _every(60), priority=8, tags=("money",)),
    _job("billing", "acme", "Nightly invoices", "make_invoices", _cron("0 2 * * *"), tags=("money", "nightly")),
    _job("billing", "globex", "Import bank file", "import_bank_file", _every(900), max_retries=0, tags=("money",)),
    _job("billing", "acme", "Dunning letters", "send_dunning", _cron("30 9 * * mon-fri")),
    _job("crm", "initech", "Sync contacts", "sync_contacts", _every(120), tags=("sync",), retry_backoff_base=30),
    _job("crm", "umbrella", "Sync deals", "sync_deals", _every(300, 10), tags=("sync",), retry_backoff_base=30),
    _job("crm", "initech", "Weekday digest", "send_digest", _cron("0 9 * * mon-fri", "America/New_York")),
    _job(
        "shop",
        "hooli",
        "Reprice the catalogue",
        "reprice",
        _cron("*/5 * * * *"),
        overlap=Overlap.QUEUE_ONE,
        time_limit_seconds=600,
    ),
    _job("shop", "hooli", "Warm the cache", "warm_cache", _every(30), priority=2),
    _job(
        "shop",
        "hooli",
        "Import stock",
        "import_stock",
        schedules.Polling(interval_seconds=_POLL_SECONDS),
    ),
    _job(
        "shop",
        "acme",
        "Winter banner",
        "show_banner",
        schedules.RunAt(datetime(2026, 12, 4, 7, tzinfo=UTC)),
    ),
    _job(
        "reports",
        "globex",
        "Hourly figures",
        "hourly_figures",
        _cron("0 * * * *"),
        tags=("figures",),
        time_limit_seconds=120,
    ),
    _job("reports", "globex", "Quarter-hourly figures", "figures", _cron("*/15 * * * *"), tags=("figures",)),
    _job(
        "reports",
        "acme",
        "Rebuild the warehouse",
        "rebuild",
        _cron("15 13 * * *"),
        time_limit_seconds=3600,
    ),
    _job("reports", "acme", "Monthly report", "monthly_report", _cron("0 6 1 * *"), deadline_seconds=7200),
)
_TAKES = {
    "charge_cards": 1.9,
    "import_bank_file": 0.4,
    "sync_contacts": 14.0,
    "sync_deals": 6.0,
    "reprice": 95.0,
    "warm_cache": 0.7,
    "import_stock": 0.8,
    "hourly_figures": 22.0,
    "figures": 9.0,
    "rebuild": 9_000.0,
    "resize_image": 2.2,
    "export_orders": 12.0,
}


def jobs_of_minute(minute: datetime, lots: Random) -> Iterator[NewJob]:
    """Yields the jobs that applications create in a minute: more at noon, and a burst of one account at the end."""
    for number in range(lots.randint(1, 4)):
        at = schedules.RunAt(minute + timedelta(seconds=lots.randrange(60)))
        account = lots.choice(_ACCOUNTS)
        image = f"/images/{minute:%H%M}-{number}.jpg"
        yield NewJob(
            app_name="shop",
            account_id=account,
            user_id="shop",
            task_type="resize_image",
            schedule=at,
            data={"image": image, "widths": [320, 1280]},
        )
    if minute == BURST:
        for number in range(1, 111):
            yield NewJob(
                app_name="billing",
                account_id="globex",
                user_id="batch",
                task_type="export_orders",
                schedule=schedules.RunAt(minute + timedelta(seconds=20)),
                title=f"Export orders, part {number}",
                data={"part": number},
            )


def behaviour_of(work: Work, now: datetime, lots: Random) -> Behaviour:
    """Returns how a receiver answers an attempt."""
    seconds = _TAKES.get(work.task_type, 1.0) * lots.lognormvariate(0, 0.25)
    match work.task_type:
        case "import_bank_file":
            gone = PermanentFailure("The receiver answered 404 Not Found: no file of today.", status_code=404)
            return Behaviour(seconds, Failed(gone, "no file of today"))
        case "sync_contacts" | "sync_deals" if _OUTAGE[0] <= now < _OUTAGE[1]:
            away = TransientFailure("The receiver answered 503 Service Unavailable.", status_code=503)
            return Behaviour(0.2, Failed(away, "upstream is being deployed"))
        case "resize_image" if lots.random() < _BROKEN_SHARE:
            broken = PermanentFailure("The receiver answered 422: the image cannot be decoded.", status_code=422)
            return Behaviour(0.5, Failed(broken, '{"error": "the image cannot be decoded"}'))
        case "import_stock":
            return Behaviour(seconds, _poll(now))
        case _:
            return Behaviour(seconds, Succeeded(200, '{"status": "success"}'))


def _poll(now: datetime) -> Succeeded:
    read = int(ROWS * (now - _BEGIN).total_seconds() / _WHOLE_SECONDS)
    progress = {"done": read, "total": ROWS}
    answer = PollAnswer({"last_row_index": read}, False, None, progress, f"stock.csv, row {read:,}")  # type: ignore[arg-type]
    return Succeeded(200, '{"status": "success"}', answer)
