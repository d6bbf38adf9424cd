"""What an entry of the audit log changed, in a line for each value."""

from __future__ import annotations

import json
from typing import Any

from services.access.audit import AuditView

LONGEST = 120


def lines(entry: AuditView) -> list[str]:
    """Returns `priority: 3 → 5` for each value that is another now, or that there was only before or is only now."""
    before, after = entry.before or {}, entry.after or {}
    return [f"{name}: {_change(before, after, name)}" for name in {**before, **after}]


def _change(before: dict[str, Any], after: dict[str, Any], name: str) -> str:
    values = [values[name] for values in (before, after) if name in values]
    return " → ".join(map(_text, values))


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
