"""001, mails: one request, and a job for each recipient."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from api.dialects.typed_jobs import RETRIES, NewTypedJob
from api.schemas.values import Instant, Priority, Retries
from core.priority import DEFAULT_PRIORITY
from services.task_types.send_email import KEY, SendEmail

_OF_THE_JOB = ("priority", "max_retries", "schedule_type", "scheduled_time", "frequency")


class NewMails(SendEmail):
    """Mails to send, with priority, retries and schedule as for any job of section 001."""

    priority: Priority = DEFAULT_PRIORITY
    max_retries: Retries = RETRIES
    schedule_type: Literal["immediate", "scheduled", "interval"] = "immediate"
    scheduled_time: Instant | None = None
    frequency: Literal["hourly", "daily", "weekly", "monthly"] | None = Field(default=None)

    def jobs(self) -> list[NewTypedJob]:
        """A job for each recipient."""
        of_the_job = {name: getattr(self, name) for name in _OF_THE_JOB}
        shared = self._given({"recipient", "recipients", "emails", *_OF_THE_JOB})
        return [
            NewTypedJob.model_construct(job_type=KEY, parameters={**shared, **one}, **of_the_job)
            for one in self._each(shared.get("context", {}))
        ]

    @property
    def is_one(self) -> bool:
        """Whether a single recipient is named by itself."""
        return self.recipient is not None

    def _each(self, context: dict[str, Any]) -> list[dict[str, Any]]:
        if self.emails is None:
            recipients = self.recipients or [str(self.recipient)]
            return [{"recipient": one} for one in recipients]
        each = [one.model_dump(mode="json", exclude_unset=True, by_alias=True) for one in self.emails]
        return [{**one, "context": {**context, **one.get("context", {})}} for one in each]

    def _given(self, but: set[str]) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=but)
