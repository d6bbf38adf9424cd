"""A job in the form that edits it: what one would type to get it, and what is changed by what was typed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pages import formats, instants_typed, job_form
from pages.forms import Form
from pages.job_form import Field

_UTC = "UTC"


def typed(shown: Mapping[str, Any], fields: Iterable[Field], zone: ZoneInfo) -> dict[str, str]:
    """Returns what one would type to get a job like this one, which is given as the API shows it."""
    return {field.name: _typed(shown, field, zone) for field in fields}


def changed(shown: Mapping[str, Any], form: Form, fields: Sequence[Field], zone: ZoneInfo) -> dict[str, Any]:
    """Returns a job, given as the API shows it, with what a form has changed; what is emptied is taken out.

    What is as it was shown stays to the letter, though a field may show less of it; but instants of a schedule whose
    zone is changed are read on the new clocks. Raises `InvalidInput` as `job_of`.
    """
    job = copy.deepcopy(dict(shown))
    differ = [field for field in fields if form.get(field.name, "") != _typed(shown, field, zone)]
    if any(field.form == "zone" for field in differ):
        differ += [field for field in fields if field.is_on_own_clocks and field not in differ]
    for field in differ:
        at = job
        for part in field.place[:-1]:
            at[part] = at.get(part) or {}
            at = at[part]
        at.pop(field.place[-1], None)
        if form.get(field.name):
            at[field.place[-1]] = job_form.value_of(field, form[field.name], zone)
    return job


def _typed(shown: Mapping[str, Any], field: Field, zone: ZoneInfo) -> str:
    own = (shown.get("schedule") or {}).get("timezone") or _UTC
    value: Any = shown
    for part in field.place:
        value = (value or {}).get(part)
    text = _text(field, value, ZoneInfo(own) if field.is_on_own_clocks else zone)
    return text.replace("\r\n", "\n").strip()  # as forms are read


def _text(field: Field, value: Any, zone: ZoneInfo) -> str:
    """A value of JSON as its field shows it."""
    if value is None:
        return _UTC if field.form == "zone" else ""
    match field.form, value:
        case "instant", str():
            return instants_typed.shown(datetime.fromisoformat(value), zone)
        case "lines", list():
            return "\n".join(map(str, value))
        case "number", float() if value.is_integer():
            return str(int(value))
        case "json", _:
            return formats.pretty(value)
    return value if isinstance(value, str) else json.dumps(value)
