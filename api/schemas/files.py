"""Files as callers get them."""

from __future__ import annotations

from api.schemas.values import Shown


class DownloadLink(Shown):
    """Where anyone can download a job's file, for an hour."""

    download_url: str
