"""What an entry of the audit log, or a version, changed, in a line for each value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.access.audit import AuditView

LONGEST = 120
LONGEST_IN_LOG = 1_000
"""How much of what differs the audit log shows of one value; the comparison of two versions shows all of it."""
_AROUND = 24
_ABSENT = object()


def lines(entry: AuditView) -> list[str]:
    """Returns a line such as `priority: 3 → 5` for each member that was changed, added or removed.

    Of what was made or removed, members without a value have none.
    """
    if entry.before and entry.after:
        return between(entry.before, entry.after, LONGEST_IN_LOG)
    given = {name: value for name, value in (entry.before or entry.after or {}).items() if value is not None}
    return between(given, {}, LONGEST_IN_LOG)


def between(before: Mapping[str, Any], after: Mapping[str, Any], longest: int | None = None) -> list[str]:
    """Returns such a line for each member of either object, and within objects for each that differs.

    A member that both have stands there even if both values look the same: masked values do. What differs is shown
    whole, unless a value is to have no more than `longest` characters.
    """
    found: list[str] = []
    for name in {**before, **after}:
        found += _lines_of(name, before, after, longest)
    return found


def _lines_of(name: str, before: Mapping[str, Any], after: Mapping[str, Any], longest: int | None) -> list[str]:
    """Returns the lines of a member; of one that only one side has, its value."""
    if name not in before or name not in after:
        return [f"{name}: {_cut(_text({**before, **after}[name]), LONGEST)}"]
    pairs = _differences(name, before[name], after[name])
    differing = [f"{path}: {' → '.join(_cut(one, longest) for one in pair)}" for path, pair in pairs]
    return differing or [f"{name}: {' → '.join(_cut(_text(one[name]), LONGEST) for one in (before, after))}"]


def _differences(path: str, one: Any, other: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each value that differs, by its path within the member, as it was and as it is."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in {**one, **other}:
            yield from _differences(f"{path}.{name}", one.get(name, _ABSENT), other.get(name, _ABSENT))
    elif one != other:
        yield path, _differing(_text(one), _text(other))


def _differing(one: str, other: str) -> tuple[str, str]:
    """Returns two texts; of long ones, what differs with a little around it."""
    if max(len(one), len(other)) <= LONGEST:
        return one, other
    start = _same_from_start(one, other)
    same_end = min(_same_from_start(one[::-1], other[::-1]), min(len(one), len(other)) - start)
    return _part(one, start, same_end), _part(other, start, same_end)


def _same_from_start(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _part(text: str, start: int, same_end: int) -> str:
    begin, end = max(0, start - _AROUND), min(len(text), len(text) - same_end + _AROUND)
    return f"{'…' if begin else ''}{text[begin:end]}{'…' if end < len(text) else ''}"


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, longest: int | None) -> str:
    return text if longest is None or len(text) <= longest else f"{text[:longest]}…"
