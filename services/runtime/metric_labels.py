"""Labels whose values come from applications: only so many are kept, so that no application can fill Prometheus."""

from __future__ import annotations

from collections.abc import Sequence

OTHER = "other"


class BoundedLabels:
    """The first `most` combinations of values keep their names; all later ones are `other`."""

    def __init__(self, most: int, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._most = most
        self._known: set[tuple[str, ...]] = set()
        self._others = (OTHER,) * len(self.names)

    def of(self, *values: str) -> tuple[str, ...]:
        """Returns the labels to count these values under. Two threads at once may let in one more."""
        if values in self._known:
            return values
        if len(self._known) >= self._most:
            return self._others
        self._known.add(values)
        return values
