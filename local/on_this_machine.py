"""Commands that start the processes of others on one machine: the demonstration, and the services."""

from __future__ import annotations

import sys
from typing import NoReturn

from local import demonstration, stack
from processes import start
from processes.environment import ROOT, environment
from settings import ConfigurationError


def demo(*, keep: bool) -> NoReturn:
    """Run one job of each kind in one process, and print what happened; with `keep`, serve a company's busy day."""
    settings = start.embedded_settings()
    command = [sys.executable, str(ROOT / "cli.py"), "serve"]
    if keep:
        from local import kept_demo  # noqa: PLC0415  it imports the services, which a short demo does without

        sys.exit(kept_demo.kept(settings, command))
    sys.exit(demonstration.on_one_process(settings, command))


def services(what: str) -> None:
    """Run the Procfile's processes, until a signal or until the demonstration is over."""
    given = environment()
    if what not in ("", "demo"):
        raise ConfigurationError(f"services knows `demo` or nothing, not `{what}`.")
    if what == "demo":
        given = {"LOG_LEVEL": "WARNING", **given}  # only the table should be seen
    settings = start.checked_settings(given)  # else each process would say the same, again and again
    with stack.running(ROOT, given, settings) as running:
        if what == "demo":
            sys.exit(demonstration.on(running.url, running.receiver_folder, given.get("INTERNAL_SECRET")))
        running.wait_for_signal()
