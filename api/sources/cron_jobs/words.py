"""003: its app, its paths, its words for members."""

from __future__ import annotations

from api.sources.source import Source
from core import built_in_apps
from core.schedules import Cron

SOURCE = Source(built_in_apps.SCHEDULER, ("/scheduler/",), schedule_kind=Cron.kind, no_job="Job not found")
FIELDS = {
    "data": "parameters",
    "metadata": "parameters",
    "task_type": "parameters.action",
    "schedule": "cron_expression",
    "schedule.expression": "cron_expression",
    "schedule.starts_at": "start_time",
}
