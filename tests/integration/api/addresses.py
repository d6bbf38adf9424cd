"""The addresses whose access does not follow from an app in them: open, for receivers, for the known, for users."""

from __future__ import annotations

OPEN = {"/", "/healthz", "/readyz", "/openapi.json", "/swagger", "/swagger/{file}"}
OPEN |= {"/register", "/login", "/logout", "/api/register", "/api/login"}
OPEN |= {"/oidc/login", "/oidc/callback"}
OPEN |= {"/forgot", "/reset", "/api/password/forgot", "/api/password/reset"}
OPEN |= {"/files/{name:path}"}  # its links are signed
FOR_RECEIVERS = {f"/reports/{{run_id:uuid}}/{kind}" for kind in ("heartbeat", "log", "complete", "fail")}
FOR_RECEIVERS |= {"/internal/spool/{upload_id:uuid}"}
FOR_ANYONE_KNOWN = {"/api/logout", "/api/me"}
FOR_USERS = {
    "/api/jobs",
    "/api/jobs/create",
    "/api/jobs/bulk",
    "/api/jobs/actions",
    "/api/jobs/send-email",
    "/api/jobs/stats",
    "/api/jobs/types",
    "/api/jobs/upload-file",
}
FOR_USERS |= {"/api/apps", "/api/audit", "/api/limits", "/api/limits/{key:path}"}
FOR_USERS |= {"/api/breakers", "/api/breakers/{key:path}"}
FOR_USERS |= {"/api/me/tokens", "/api/me/tokens/{token_id:uuid}", "/api/me/sessions", "/api/me/password"}
FOR_USERS |= {
    "/api/schedules/preview",
    "/api/tasks",
    "/api/runs",
    "/api/runs/actions",
    "/api/runs/replay",
    "/api/upcoming",
    "/api/waiting",
}
FOR_USERS |= {"/api/views", "/api/views/{view_id:uuid}"}
FOR_USERS |= {"/api/failures", "/api/failures/hosts", "/api/alerts", "/api/jobs/slow", "/api/stats/accounts"}
FOR_USERS |= {"/api/stats/runs"}
FOR_USERS |= {"/jobs/api/jobs", "/jobs/api/jobs/stats", "/scheduler/jobs"}
FOR_USERS |= {"/api/events", "/ws/jobs", "/ws/jobs/status"}
