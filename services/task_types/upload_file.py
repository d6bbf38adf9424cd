"""`upload_file`: a file that was sent to `/api/jobs/upload-file` is stored for good."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.errors import InvalidInput
from services.messaging import broker as brokers
from services.task_types import registry
from services.task_types.registry import TaskType
from settings import Settings

KEY = "upload_file"
TIME_LIMIT_SECONDS = 300.0


class UploadFile(BaseModel):
    """Which file is to be stored. Only POST /api/jobs/upload-file fills this in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upload_id: UUID
    file_name: str
    size: int = Field(ge=0)


def check(_settings: Settings, _parameters: UploadFile) -> None:
    """Refuse every job: only the upload of a file creates one of this kind. Raises `InvalidInput`."""
    raise InvalidInput.at("task_type", f"is {KEY}, which needs a file; send it to POST /api/jobs/upload-file.")


registry.register(
    TaskType(
        key=KEY,
        label="Upload a file",
        parameters=UploadFile,
        queue=brokers.RUNS_UPLOAD,
        handler="upload",
        check=check,
        is_done_once=True,
        time_limit=lambda _settings: TIME_LIMIT_SECONDS,
    )
)
