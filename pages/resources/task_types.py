"""The task types of an app: added, changed and removed by forms on the app's page."""

from __future__ import annotations

from typing import Any

from core.errors import InvalidInput
from pages import task_type_fields
from pages.forms import Form, seen
from pages.page_request import Asked
from pages.site import Site
from pages.task_type_fields import CHANGED, NEW
from services.apps import apps
from services.apps.app_views import TaskTypePolicy


class TaskTypeForms:
    """The forms for task types on `/dashboard/apps/{name}`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def add(self, who: Asked, form: Form, name: str) -> str:
        """Add a task type to those that the app has."""
        task_type = form.get(NEW, "")
        if task_type in apps.get(who.principal, name).task_types:
            raise InvalidInput.at(NEW, f"is {task_type!r}, which the app has already; change it above.")
        return self._put(who, form, name, task_type, task_type_fields.given(form, TaskTypePolicy()))

    def change(self, who: Asked, form: Form, name: str) -> str:
        """Replace how a task type is retried and limited, and the request that its jobs send."""
        task_type = form.get(CHANGED, "")
        former = apps.get(who.principal, name).task_types.get(task_type, TaskTypePolicy())
        return self._put(who, form, name, task_type, task_type_fields.given(form, former))

    def remove(self, who: Asked, form: Form, name: str) -> str:
        """Remove a task type: its jobs are retried by the server's settings from then on."""
        return self._put(who, form, name, form.get(CHANGED, ""), None)

    def _put(self, who: Asked, form: Form, name: str, task_type: str, given: dict[str, Any] | None) -> str:
        """Give the app this task type, None to remove it; refuse if the app has changed since its page was loaded."""
        change = self._site.readers.app_with_task_type
        expected = seen(form, "app_version")
        try:
            apps.amend(who.principal, self._site.system, name, lambda view: change(view, task_type, given), expected)
        except InvalidInput as refusal:
            raise task_type_fields.beside(refusal, task_type) from None
        return "updated"
