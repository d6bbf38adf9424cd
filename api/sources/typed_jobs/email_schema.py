"""001, e-mail: one request, and a job for each recipient."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from api.schemas.bulk import MAX_JOBS
from api.schemas.values import FrequencyWord, Instant, Priority, Retries
from api.sources.typed_jobs.schema import RETRIES, NewTypedJob
from core import json_text
from core.priority import DEFAULT_PRIORITY
from services.task_types.send_email import KEY, SendEmail

MAX_BYTES = 16 * 1024 * 1024
_OF_THE_JOB = ("priority", "max_retries", "schedule_type", "scheduled_time", "frequency")


class NewMails(SendEmail):
    """E-mails to send, with priority, retries and schedule as for any typed job."""

    priority: Priority = DEFAULT_PRIORITY
    max_retries: Retries = RETRIES
    schedule_type: Literal["immediate", "scheduled", "interval"] = "immediate"
    scheduled_time: Instant | None = None
    frequency: FrequencyWord | None = Field(default=None)

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        """Limit the size of all jobs together: each stores what they share, so a small request could fill the disk."""
        count = max(len(self.recipients or ()), len(self.emails or ()))
        if count > MAX_JOBS:
            raise ValueError(f"names {count} recipients, more than {MAX_JOBS}; send several requests.")
        size = count * json_text.size(self._shared())
        if size > MAX_BYTES:
            raise ValueError(f"makes jobs of {size} bytes together, more than {MAX_BYTES}; send several requests.")
        return self

    def jobs(self) -> list[NewTypedJob]:
        """Returns a job for each recipient."""
        of_the_job = {name: getattr(self, name) for name in _OF_THE_JOB}
        shared = self._shared()
        return [  # not validated again: the parts of a thousand jobs are valid already
            NewTypedJob.model_construct(job_type=KEY, parameters={**shared, **one}, **of_the_job)
            for one in self._each(shared.get("context", {}))
        ]

    @property
    def is_one(self) -> bool:
        """Whether a single recipient is given, not in a list."""
        return self.recipient is not None

    def _each(self, context: dict[str, Any]) -> list[dict[str, Any]]:
        if self.emails is None:
            recipients = self.recipients or [str(self.recipient)]
            return [{"recipient": one} for one in recipients]
        each = [one.model_dump(mode="json", exclude_unset=True, by_alias=True) for one in self.emails]
        return [{**one, "context": {**context, **one.get("context", {})}} for one in each]

    def _shared(self) -> dict[str, Any]:
        but = {"recipient", "recipients", "emails", *_OF_THE_JOB}
        return self.model_dump(mode="json", exclude_unset=True, by_alias=True, exclude=but)
