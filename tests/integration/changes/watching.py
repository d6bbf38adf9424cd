"""What tests of changes watch with."""

from __future__ import annotations

from core.cursors import Cursor
from services.changes.looking import News, Watch


class Watcher:
    """Looks when it is told to."""

    def __init__(self) -> None:
        self._watch = Watch()
        self.look()

    def look(self) -> News:
        """What was changed since the last look."""
        with self._watch.look() as look:
            news = look.news()
        assert news is not None
        return news

    def cursor(self) -> Cursor:
        with self._watch.look() as look:
            return look.now
