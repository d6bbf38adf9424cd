"""The files that pages load: each has a hash of its content in its name, so browsers may keep it for a year."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import falcon
from falcon.asgi import Request, Response

FOLDER = Path(__file__).parent / "static"
PATH = "/dashboard/static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"
_HASH_LENGTH = 12


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent."""

    content: bytes
    content_type: str


class StaticFiles:
    """Serves the files of the folder, read once."""

    def __init__(self) -> None:
        self._files: dict[str, StaticFile] = {}
        self._names: dict[str, str] = {}
        for file in sorted(FOLDER.iterdir()):
            if file.suffix in _TYPES:
                self._add(file)

    def path(self, name: str) -> str:
        """Returns the path of a file, with the hash in it. Raises `KeyError` for a file that is not in the folder."""
        return f"{PATH}/{self._names[name]}"

    async def show(self, _req: Request, resp: Response, name: str) -> None:
        """Answer with a file."""
        found = self._files.get(name)
        if found is None:
            raise falcon.HTTPNotFound(description="This file is of another version of the pages. Reload the page.")
        resp.content_type = found.content_type
        resp.data = found.content
        resp.set_header("Cache-Control", _KEPT)

    def _add(self, file: Path) -> None:
        content = file.read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:_HASH_LENGTH]
        name = f"{file.stem}.{mark}{file.suffix}"
        self._names[file.name] = name
        self._files[name] = StaticFile(content, _TYPES[file.suffix])
