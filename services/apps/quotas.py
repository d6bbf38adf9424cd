"""Quotas of apps: set by administrators, seen by members, enforced where jobs and runs are requested.

Jobs and waiting runs are counted once a second by each process, which adds those that it creates itself meanwhile.
Requests are counted where they are received (`services/access/shared_quotas.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from core import etags, json_text
from core import quotas as rules
from core.auditing import Thing, differences
from core.errors import Conflict, InvalidInput
from core.etags import Expected
from core.principals import Principal
from core.quotas import Quotas, Taken
from core.schedules import Schedule
from core.scopes import Scope
from models import database, quotas
from models.pauses import Gate
from models.tables import Job
from services.access import visible_apps
from services.runtime.recent_values import RecentValues
from services.system import System

COUNTED_SECONDS = 1.0
_MAX_KNOWN = 10_000
_PAYLOAD = ("data", "metadata")


@dataclass(frozen=True)
class QuotasView:
    """An app's quotas, and how much it uses of those on jobs and waiting runs."""

    quotas: Quotas
    taken: Taken

    @property
    def etag(self) -> str:
        """The ETag of the quotas, whatever is taken of them."""
        return _etag(self.quotas)


class LimitedDefinition(Protocol):
    """What quotas limit of a job's definition."""

    @property
    def data(self) -> Any: ...

    @property
    def metadata(self) -> Any: ...

    @property
    def schedule(self) -> Schedule: ...


def get(principal: Principal, app_name: str) -> QuotasView:
    """Returns an app's quotas, and what it uses; to a key of one account, what that account uses.

    Raises as `visible_apps.found` does.
    """
    with database.reading():
        app = visible_apps.found(principal, app_name, Scope.READ)
        found = quotas.of_apps([app.id]).get(app.id, Quotas())
        return QuotasView(found, quotas.taken(app.id, found, principal.account_id))


def put(principal: Principal, system: System, app_name: str, wanted: Quotas, expected: Expected = None) -> QuotasView:
    """Replace an app's quotas. Raises `Forbidden` except for administrators, `PreconditionFailed` as `etags.expect`.

    Other processes apply them within a second; the one on requests, within five.
    """
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.locked(principal, app_name, Scope.APP)
        principal.expect_administration()
        former = quotas.of_apps([app.id]).get(app.id, Quotas())
        etags.expect(f"set of quotas of the app {app.name}", _etag(former), expected)
        quotas.put(app.id, wanted, unit.now)
        before, after = differences(asdict(former), asdict(wanted))
        unit.audit(principal, "app.quotas_changed", Thing.app(app), before=before, after=after)
        view = QuotasView(wanted, quotas.taken(app.id, wanted))
    _recent.forget(app.id)
    return view


def _etag(found: Quotas) -> str:
    return etags.of(asdict(found))


class Ledger:
    """The quotas of the apps that request something in one transaction, and how much of them is left."""

    def __init__(self, system: System, app_ids: Collection[UUID]) -> None:
        self._system = system
        self._known = _known(system, app_ids)

    def check(self, app_id: UUID, wanted: LimitedDefinition, now: datetime) -> None:
        """Raise `InvalidInput` for a new job of an app beyond its quotas."""
        known = self._known.get(app_id)
        if known is None:
            return
        check_definition(known.quotas, wanted, now)
        if fault := rules.fault_of_jobs(known.quotas, known.taken):
            raise InvalidInput.at("app_name", fault)

    def take(self, app_id: UUID, waiting_runs: int) -> None:
        """Count a new job of an app, with its due runs. Raises `InvalidInput` if there are too many."""
        known = self._known.get(app_id)
        if known is None:
            return
        if waiting_runs and (fault := rules.fault_of_waiting(known.quotas, known.taken)):
            raise InvalidInput.at("app_name", fault)
        _count(app_id, known, jobs=1, waiting_runs=waiting_runs)


def check_definition(
    found: Quotas, wanted: LimitedDefinition, now: datetime, before: LimitedDefinition | None = None
) -> None:
    """Raise `InvalidInput` for a job with more data, or a shorter interval, than its app's quotas allow.

    Members that an edit leaves as they were `before` are not checked again.
    """
    for member in _PAYLOAD:
        value = getattr(wanted, member)
        if value is not None and (before is None or value != getattr(before, member)):
            rules.check_payload(found, member, json_text.size(value))
    if before is None or wanted.schedule != before.schedule:
        rules.check_pace(found, wanted.schedule, now)


def check_payload(system: System, app_id: UUID, data: Mapping[str, Any] | None) -> None:
    """Raise `InvalidInput` for data that is larger than the jobs of this app may carry."""
    known = _known(system, [app_id]).get(app_id)
    if known is not None and data is not None:
        rules.check_payload(known.quotas, "data", json_text.size(data))


def check_edit(system: System, job: Job, before: LimitedDefinition, wanted: LimitedDefinition, now: datetime) -> None:
    """Raise `InvalidInput` for an edit beyond the quotas of the job's app."""
    if known := _known(system, [job.app_id]).get(job.app_id):
        check_definition(known.quotas, wanted, now, before)


def take_waiting(system: System, job: Job, runs: int = 1, data: Mapping[str, Any] | None = None) -> None:
    """Count runs that are created on request, with their own `data` if given.

    Raises `Conflict` if too many runs of the app are already waiting, or `InvalidInput` if the data is too large.
    """
    known = _known(system, [job.app_id]).get(job.app_id)
    if known is None:
        return
    if data is not None:
        rules.check_payload(known.quotas, "data", json_text.size(data))
    if fault := rules.fault_of_waiting(known.quotas, known.taken, runs):
        raise Conflict(f"The app of this job {fault}")
    _count(job.app_id, known, waiting_runs=runs)


def shortest_intervals(system: System, app_ids: Collection[UUID]) -> dict[UUID, float]:
    """Returns the shortest interval, in seconds, for those of these apps that have a quota on it."""
    found = {app_id: known.quotas.shortest_interval_seconds for app_id, known in _known(system, app_ids).items()}
    return {app_id: least for app_id, least in found.items() if least is not None}


@dataclass
class _Known:
    """The quotas of an app, and how much it uses: a count, increased by what was created since."""

    quotas: Quotas
    taken: Taken


def _count(app_id: UUID, known: _Known, *, jobs: int = 0, waiting_runs: int = 0) -> None:
    """Count what this transaction adds; if it is rolled back, as a dry run is, the app is counted again instead."""
    known.taken = Taken(known.taken.jobs + jobs, known.taken.waiting_runs + waiting_runs)
    database.or_undo(partial(_recent.forget, app_id))


_recent: RecentValues[UUID, _Known | None] = RecentValues(COUNTED_SECONDS, _MAX_KNOWN)


def _known(system: System, app_ids: Collection[UUID]) -> dict[UUID, _Known]:
    """Returns how much those of these apps that have quotas use; read each second, in the caller's transaction."""
    found = _recent.of(app_ids, system.clock.monotonic(), _read)
    return {one: known for one, known in found.items() if known is not None}


def _read(app_ids: Collection[UUID]) -> dict[UUID, _Known | None]:
    found = quotas.of_apps(app_ids)
    return {one: _Known(found[one], quotas.taken(one, found[one])) if one in found else None for one in app_ids}
