"""Count the runs of an app on a day, each once: by the names of the parts, and by what is in those that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core import archives
from core.errors import StorageUnavailable
from services.archive import parts
from services.archive.parts import SizedPart
from settings import Settings

MAX_BYTES_READ = 32 * 1024 * 1024  # zipped


class Counting:
    """Counts runs for one request, which reads at most `MAX_BYTES_READ`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._left = MAX_BYTES_READ

    def runs(self, of_app: Sequence[SizedPart]) -> tuple[int, bool]:
        """Returns how many runs these parts hold, and whether that is exact: otherwise there may be fewer.

        Only parts that may share a run, by their names, are read.
        """
        sharing = archives.that_may_share([one.part for one in of_app])
        doubtful = [one for one in of_app if one.part in sharing]
        apart = sum(one.part.runs for one in of_app if one.part not in sharing)
        once = self._read(doubtful)
        if once is None:
            return apart + sum(one.part.runs for one in doubtful), False
        return apart + once, True

    def _read(self, doubtful: Sequence[SizedPart]) -> int | None:
        """Returns how many runs are in these parts; None if that is too much to read, or cannot be read."""
        size = sum(one.size for one in doubtful)
        if size > self._left:
            return None
        self._left -= size
        try:
            return len(set(self._ids(doubtful)))
        except StorageUnavailable:  # the list of the day's runs says which part is damaged
            return None

    def _ids(self, some: Sequence[SizedPart]) -> Iterator[str]:
        for one in some:
            yield from (line.run["id"] for line in parts.in_part(self._settings, one.part))
