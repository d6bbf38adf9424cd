"""`carillon pause` and `carillon resume`: everything at once, for administrators."""

from __future__ import annotations

import typer

from client import options
from client.options import AsJson, Reason, Until, Url
from client.words import paused


def pause(
    context: typer.Context, until: Until = None, reason: Reason = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Pause everything: no run of any app starts until it is resumed. A second pause replaces --until."""
    with options.server(context, url) as server:
        found = server.ask("POST", "/api/installation/pause", parameters={"until": until, "reason": reason}).body
    options.show(found, f"Everything is {paused(found)}.", as_json=as_json)


def resume(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """Resume everything, except apps and jobs that are paused themselves."""
    with options.server(context, url) as server:
        found = server.post("/api/installation/resume")
    options.show(found, "Everything is resumed.", as_json=as_json)
