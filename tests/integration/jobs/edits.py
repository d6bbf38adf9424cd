"""Edits of a job by the operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from core.principals import LOCAL
from services.jobs import definition, editing
from services.jobs.definition import Definition
from services.reading.views import JobView
from tests.factories import GivenSystem, stored_job


def changed(**changes: Any) -> editing.Amend:
    """What makes these changes to a job."""

    def amend(view: JobView) -> Definition:
        return replace(definition.of(stored_job(view.id), view.tags), **changes)

    return amend


def edit(system: GivenSystem, job_id: UUID, **changes: Any) -> JobView:
    return editing.edit(LOCAL, system, job_id, changed(**changes))
