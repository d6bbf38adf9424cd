"""What an entry of the audit log changed, in a line for each value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.access.audit import AuditView

LONGEST = 120


def lines(entry: AuditView) -> list[str]:
    """Returns a line such as `priority: 3 → 5` for each member that was changed, added or removed."""
    return between(entry.before or {}, entry.after or {})


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Returns such a line for each member of either object."""
    return [f"{name}: {_change(before, after, name)}" for name in {**before, **after}]


def _change(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> str:
    values = [values[name] for values in (before, after) if name in values]
    return " → ".join(map(_text, values))


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
