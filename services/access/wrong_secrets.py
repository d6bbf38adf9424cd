"""Limits wrong secrets by the address that sends them: further ones are refused without a query.

They are counted in one process's memory. A secret that was valid lately is always looked up, however many wrong ones
come from the same address, since many callers may share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from core import networks
from core.errors import CarillonError
from core.token_hashes import hashed
from services.access import request_quotas
from services.access.request_quotas import Quotas
from services.runtime.clock import Clock

MAX_REMEMBERED = 10_000
_RULE = "REQUESTS_PER_MINUTE allows an address that sends wrong tokens"

Found = TypeVar("Found")


class WrongSecrets:
    """Counts wrong secrets by address: so many a minute, 0 for any number."""

    def __init__(self, clock: Clock, per_minute: int) -> None:
        self._quotas = Quotas(clock, per_minute) if per_minute else None
        self._right: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def looked_up(
        self, secret: str, address: str | None, look_up: Callable[[], Found], *wrong: type[CarillonError]
    ) -> Found:
        """Returns what `look_up` returns; where that is None, or it raises one of `wrong`, the secret is counted.

        To be called in the thread that asks the database, so that no more than there are threads go uncounted at a
        time. Raises `TooMany`.
        """
        if self._quotas is None:
            return look_up()
        place, mark = networks.place(address or ""), hashed(secret)
        if not self._was_right(mark) and not self._quotas.has_left(place):
            raise request_quotas.refusal(self._quotas.per_minute, _RULE)
        try:
            found = look_up()
        except wrong:
            self._note(mark, place, is_right=False)
            raise
        self._note(mark, place, is_right=found is not None)
        return found

    def _was_right(self, mark: str) -> bool:
        with self._lock:
            return mark in self._right

    def _note(self, mark: str, place: str, *, is_right: bool) -> None:
        if not is_right and self._quotas is not None:
            self._quotas.take(place)
        with self._lock:
            self._right.pop(mark, None)
            if is_right:
                self._right[mark] = None
            while len(self._right) > MAX_REMEMBERED:
                self._right.popitem(last=False)
