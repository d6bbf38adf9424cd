"""Uploads as callers send them, in the fields of a form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from api import validation
from api.schemas.values import AccountId, AppName, Given, Identifier, Instant, Priority, Retries
from api.sources.typed_jobs import schema as typed_jobs
from api.sources.typed_jobs import words
from core.errors import FieldError, InvalidInput
from core.object_names import LONGEST_FILE_NAME
from core.principals import Principal
from core.priority import DEFAULT_PRIORITY
from services.jobs import definition
from services.task_types import upload_file

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")
_NUMBERS = ("priority", "max_retries")

Binary = Annotated[str, WithJsonSchema({"type": "string", "format": "binary", "contentMediaType": "*/*"})]


class UploadFields(Given):
    """The text fields of an upload; `file_name` replaces the name that the file came with."""

    app_name: AppName = words.SOURCE.app_name
    account_id: AccountId | None = None
    user_id: Identifier | None = None
    file_name: Annotated[str, Field(min_length=1, max_length=LONGEST_FILE_NAME)] | None = None
    priority: Priority = DEFAULT_PRIORITY
    max_retries: Retries = typed_jobs.RETRIES
    schedule_type: Literal["immediate", "scheduled"] = "immediate"
    scheduled_time: Instant | None = None

    def parsed(self, principal: Principal, now: datetime) -> definition.NewJob:
        """Returns the job as services take it. Raises `InvalidInput`, also for members that users may not set."""
        if not principal.sees_all:
            self._refuse_other_owners()
        return definition.NewJob(
            app_name=self.app_name,
            account_id=self.account_id or principal.name,
            user_id=self.user_id or principal.name,
            owner_id=principal.user_id,
            task_type=upload_file.KEY,
            priority=self.priority,
            max_retries=self.max_retries,
            retry_backoff_base=typed_jobs.BACKOFF_SECONDS,
            schedule=typed_jobs.schedule(self.schedule_type, self.scheduled_time, None, now),
        )

    def _refuse_other_owners(self) -> None:
        given = self.model_fields_set & {"app_name", "account_id", "user_id"}
        if given:
            refusal = "may not be set by users; leave it out."
            raise InvalidInput(*(FieldError(name, refusal) for name in sorted(given)))


class UploadForm(UploadFields):
    """A file, and how to store it."""

    file: Binary


def fields(texts: Mapping[str, str]) -> UploadFields:
    """Returns the fields of a form, which come as text. Raises `InvalidInput` naming every wrong one."""
    values: dict[str, Any] = dict(texts)
    for name in _NUMBERS:
        if _WHOLE_NUMBER.fullmatch(values.get(name, "")):
            values[name] = int(values[name])
    return validation.body(UploadFields, values)
