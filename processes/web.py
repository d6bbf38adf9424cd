"""The web process: serves the HTTP API and the dashboard."""

from __future__ import annotations

import socket
import threading
import time

import structlog

from actors.handlers.call import perform_call
from api.app import create_app
from processes import dashboard, tracing, welcome
from processes.composition import Foundation, foundation
from processes.probe import BrokerProbe
from processes.serving.web_server import WebServer
from services.files import spool
from services.files.sweeping import Sweeper
from services.runtime import database_troubles
from services.runtime.troubles import Trouble
from settings import Settings

_SHUTDOWN_NOTICE_SECONDS = 1.0
_BUCKET_FOR_SEVERAL_HOSTS = (
    "Uploads are stored in DATA_DIR/files, where only processes that share this folder find them. "
    "On several hosts set AWS_STORAGE_BUCKET_NAME."
)
log = structlog.get_logger()


def run(settings: Settings, listening: socket.socket | None = None) -> None:
    """Serve until SIGTERM or SIGINT, on a socket that listens already if one is given."""
    with foundation(settings, "web", perform_call) as base:
        probe = BrokerProbe(base.broker)
        try:
            _serve(base, probe, listening)
        finally:
            probe.stop()


def _serve(base: Foundation, probe: BrokerProbe, listening: socket.socket | None) -> None:
    settings = base.settings

    def troubles() -> list[Trouble]:
        of_database, of_spans = database_troubles.troubles.present(), tracing.troubles(base.system.tracer)
        return [*probe.troubles(), *of_database, *base.guard.troubles(), *spool.troubles(settings), *of_spans]

    api = create_app(base.system, probe.is_up, base.stopping, troubles, base.metrics)
    app = dashboard.add_to(api, base.system, probe.is_up, troubles)
    if settings.aws_storage_bucket_name is None:
        log.warning("uploads_without_bucket", remedy=_BUCKET_FOR_SEVERAL_HOSTS)
    sweeper = Sweeper(base.system)
    sweeper.start()

    def drain() -> None:
        threading.Thread(target=sweeper.stop, daemon=True).start()
        time.sleep(_SHUTDOWN_NOTICE_SECONDS)  # lets the load balancer see /readyz before the socket closes

    def on_ready() -> None:
        log.info("serving")
        welcome.greet(base.system)

    server = WebServer(app, settings, stopping=base.stopping, drain=drain, on_ready=on_ready, listening=listening)
    server.serve_until_stopped()
