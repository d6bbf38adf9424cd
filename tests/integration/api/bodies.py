"""Parts of the bodies that create jobs."""

from __future__ import annotations

REQUEST = {
    "url": "http://127.0.0.1:9/reports",
    "method": "PUT",
    "headers": {"Authorization": "Bearer x"},
    "body": {"name": "Report for {{data.name}}", "rows": "{{data.rows}}"},
    "expected_statuses": [200, "202-204"],
}
HTTP = {"task_type": "http", "schedule": {"type": "immediate"}}
MAIL = {"recipient": "user@example.com", "subject": "Welcome!", "body": "Welcome to our service!"}
TYPED = {"job_type": "send_email", "parameters": MAIL}
LATER = "2026-11-20T13:00:00Z"
