"""`upload_file` (section 001): a file that was sent to `/api/jobs/upload-file` is stored for good."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services import broker as brokers
from services.task_types import registry
from services.task_types.registry import TaskType

KEY = "upload_file"
TIME_LIMIT_SECONDS = 300.0


class UploadFile(BaseModel):
    """Which file is to be stored. POST /api/jobs/upload-file fills this in; a file cannot be sent otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upload_id: UUID
    file_name: str
    size: int = Field(ge=0)


registry.register(
    TaskType(
        key=KEY,
        label="Upload a file",
        parameters=UploadFile,
        queue=brokers.RUNS_UPLOAD,
        time_limit=lambda _settings: TIME_LIMIT_SECONDS,
    )
)
