"""Bound how many bytes of unfinished bodies one process holds for one caller."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from core import networks
from core.errors import TooMany
from core.principals import Principal, PrincipalKind

MAX_BYTES = 32 * 1024**2
"""The most bytes of a user, a key, or an address without either."""
MAX_BYTES_OF_A_STRANGER = 4 * 1024**2
"""The most bytes of an address at what is open to all."""


class BodiesUnderWay:
    """The bodies of which one process holds the beginning, by their caller; used on the event loop alone."""

    def __init__(self) -> None:
        self._bytes: Counter[Hashable] = Counter()

    def begin(self, principal: Principal) -> BodyUnderWay | None:
        """Begin to count a body of a caller; None for callers who have no bound."""
        if principal.is_trusted:
            return None
        caller = principal.caller_id or networks.place(principal.address or "")
        is_stranger = principal.kind is PrincipalKind.VISITOR
        return BodyUnderWay(self._bytes, caller, MAX_BYTES_OF_A_STRANGER if is_stranger else MAX_BYTES)


class BodyUnderWay:
    """One body, of a caller who may have so many bytes of all."""

    def __init__(self, all_bytes: Counter[Hashable], caller: Hashable, most: int) -> None:
        self._all = all_bytes
        self._caller = caller
        self._most = most
        self._bytes = 0

    def take(self, size: int) -> None:
        """Count bytes that have come. Raises `TooMany` if they are too many beside those of the caller's others."""
        total = self._all[self._caller] + size
        if self._most < total != self._bytes + size:
            raise TooMany(1, f"More than {self._most} bytes of your requests come in at once; send fewer.")
        self._all[self._caller] = total
        self._bytes += size

    def end(self) -> None:
        """Count its bytes no more."""
        self._all[self._caller] -= self._bytes
        self._bytes = 0
        if not self._all[self._caller]:
            del self._all[self._caller]
