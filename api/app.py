"""The web application, composed of its parts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from api import errors, forms, routes
from api.access import Access
from api.creates import Creates
from api.http import App as App  # noqa: PLC0414  what this module is asked for
from api.incoming import Request
from api.live.hub import Hub
from api.middleware import RequestIds, SecurityHeaders
from api.operations import Routes
from api.origins import Origins
from api.pools import Pools
from api.quotas import RequestQuotas
from api.resources import health
from api.sources import words
from api.spans import RequestSpans
from api.threads import Threads
from services.access.request_quotas import Quotas
from services.access.shared_quotas import SharedQuotas
from services.access.wrong_secrets import WrongSecrets
from services.runtime.metrics import Metrics
from services.runtime.troubles import Trouble
from services.system import System


def create_app(
    system: System,
    broker_is_up: Callable[[], bool],
    shutting_down: threading.Event,
    troubles: Callable[[], Sequence[Trouble]] = tuple,
    metrics: Metrics | None = None,
) -> App:
    """Returns the web application of these parts. Nothing connects, and no thread starts, before the first request."""
    pools = Pools.of(system)
    threads = pools.general
    router = Routes()
    spans = [] if system.tracer is None else [RequestSpans(system.tracer, system.clock)]
    origins = Origins(system.settings.origins_allowed)
    quotas = _request_quotas(system, threads)
    wrong_secrets = WrongSecrets(system.clock, system.settings.request_limit)
    access = Access(system, threads, quotas, origins, router, wrong_secrets=wrong_secrets)
    hub = Hub(system, threads, access, shutting_down)
    creates = Creates(system, threads)
    # The first takes a request first and its answer last: ids for all log lines, a span around all that follows,
    # headers for every answer, preflights before anyone is asked who they are, quotas on what access refuses as well.
    around_requests: list[Any] = [RequestIds(), *spans, SecurityHeaders(), origins, quotas, access]
    ended_with_the_server: list[Any] = [hub, *pools.all(), creates]  # of which Falcon calls only `process_shutdown`
    app = App(router=router, request_type=Request, middleware=[*around_requests, *ended_with_the_server])
    app.req_options.strip_url_path_trailing_slash = True
    app.req_options.media_handlers[forms.MEDIA_FORM] = forms.handler()
    errors.install(app, words.error_members)
    readyz = health.Readyz(system, pools.health, broker_is_up, shutting_down, troubles)
    routes.add(
        app, system, pools, creates, hub, wrong_secrets=wrong_secrets, readyz=readyz, metrics=metrics or Metrics()
    )
    return app


def _request_quotas(system: System, threads: Threads) -> RequestQuotas:
    limit = system.settings.request_limit
    quotas = Quotas(system.clock, limit) if limit else None
    return RequestQuotas(quotas, threads, SharedQuotas(system), is_embedded=system.settings.embedded)
