"""The texts of e-mails that share one are counted in bytes of UTF-8, once for each e-mail."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.sources.typed_jobs import email_schema as emails

THREE_BYTES = "\u6f22"


def test_mails_that_share_a_text() -> None:
    context = {"text": THREE_BYTES * 5_000}
    few = [f"{number}@example.com" for number in range(1_000)]
    assert emails.NewMails.model_validate({"recipients": few, "subject": "s", "body": "b", "context": context})
    with pytest.raises(ValidationError, match="more than 16777216"):
        emails.NewMails.model_validate(
            {"recipients": few, "subject": "s", "body": "b", "context": {"text": THREE_BYTES * 6_000}}
        )
