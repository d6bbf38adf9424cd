"""What the form of a new job is filled with: at first, as another job is, and by a preset schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core import built_in_apps, schedules
from core.errors import InvalidInput, NotFound
from core.principals import PrincipalKind
from core.schedules.kind import PreviewedOccurrence
from core.scopes import Scope
from pages import job_edits, presets
from pages.forms import Form
from pages.job_form import SCHEDULE_KIND, Field
from pages.page_request import Asked


@dataclass(frozen=True)
class Preview:
    """What a schedule means: a sentence, and its next occurrences; `has_passed` if its only one lies behind."""

    sentence: str
    coming: list[PreviewedOccurrence]
    has_passed: bool = False


@dataclass(frozen=True)
class Filled:
    """A form as it is shown again: what was typed, what is wrong with it, and what it would do."""

    values: Mapping[str, str]
    errors: Mapping[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)
    preview: Preview | None = None
    written: Mapping[str, str] = field(default_factory=dict)


def at_first(who: Asked) -> dict[str, str]:
    """Returns what a form begins with."""
    name = who.principal.name
    zones = {f"schedule.{kind}.timezone": who.zone.key for kind in schedules.KINDS}
    return {"app_name": app_of(who), "account_id": name, "user_id": name, SCHEDULE_KIND: "immediate", **zones}


def like(who: Asked, shown: Mapping[str, Any], fields: list[Field]) -> dict[str, str]:
    """Returns what one would type to get a job like this one, as the API shows it, but for its name."""
    typed = job_edits.typed(shown, fields, who.zone)
    return {**at_first(who), **typed, "name": "", SCHEDULE_KIND: shown["schedule"]["type"]}


def by_preset(form: Form, key: str) -> dict[str, str]:
    """Returns a form with a preset schedule in place of the one that it had. Raises `InvalidInput`."""
    found = presets.PRESETS.get(key)
    if found is None:
        raise InvalidInput.at("do", f"must be one of the presets {', '.join(presets.PRESETS)}.")
    kind = found.values["type"]
    chosen = {f"schedule.{kind}.{name}": value for name, value in found.values.items() if name != "type"}
    return {**form, SCHEDULE_KIND: kind, **chosen}


def app_of(who: Asked) -> str:
    """Returns the app that a new job is most likely for: the one that the address names, else the reader's own."""
    theirs = [one.app_name for one in who.principal.memberships if Scope.JOBS in one.role.scopes]
    usual = built_in_apps.DEFAULT if who.principal.kind is PrincipalKind.LOCAL else next(iter(theirs), "")
    return who.params.get("app_name") or usual


def as_input(refusal: InvalidInput | NotFound) -> InvalidInput:
    """Returns a refusal as one of a field: the app that is missing was named by the form."""
    if isinstance(refusal, InvalidInput):
        return refusal
    return InvalidInput.at("app_name", f"{refusal} Make it on the page of apps.")
