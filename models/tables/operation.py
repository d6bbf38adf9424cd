"""Tables of running the service: workers, signs of life, idempotency keys, figures per minute."""

from __future__ import annotations

import peewee

from core.pauses import Paused
from core.processes import ProcessKind
from core.states import Hold
from models.fields import EnumField, InstantField, JsonField
from models.tables.base import Table


class Worker(Table):
    """A process that executes runs."""

    id = peewee.UUIDField(primary_key=True)
    host = peewee.TextField()
    pid = peewee.IntegerField()
    threads = peewee.IntegerField()
    started_at = InstantField()
    heartbeat_at = InstantField()
    stopped_at = InstantField(null=True)
    version = peewee.TextField(null=True)
    draining_at = InstantField(null=True)

    class Meta:
        table_name = "workers"


class Process(Table):
    """A process that executes no runs."""

    id = peewee.UUIDField(primary_key=True)
    kind = EnumField(ProcessKind)
    host = peewee.TextField()
    pid = peewee.IntegerField()
    version = peewee.TextField()
    started_at = InstantField()
    seen_at = InstantField()
    stopped_at = InstantField(null=True)

    class Meta:
        table_name = "processes"


class PauseEnd(Table):
    """The instant at which a pause ends by itself: of a job, of an app, or, with the id of zeros, of everything."""

    id = peewee.UUIDField(primary_key=True)
    kind = EnumField(Paused)
    until = InstantField()

    class Meta:
        table_name = "pause_ends"


class Signal(Table):
    """When a beat or a tick was last seen, so that its age shows."""

    name = peewee.TextField(primary_key=True)
    at = InstantField()

    class Meta:
        table_name = "signals"


class RequestBucket(Table):
    """How many requests of a minute's quota a caller, a user or a key, has left."""

    caller_id = peewee.UUIDField(primary_key=True)
    left_over = peewee.DoubleField()
    taken_at = InstantField()

    class Meta:
        table_name = "request_buckets"


class IdempotencyKey(Table):
    """An answer given under an Idempotency-Key, so that the same request gets the same answer."""

    scope = peewee.TextField()
    key = peewee.TextField()
    fingerprint = peewee.TextField()
    answer = JsonField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "idempotency_keys"
        primary_key = peewee.CompositeKey("scope", "key")


class Minute(Table):
    """The figures of one minute that has passed."""

    minute = InstantField(primary_key=True)
    started = peewee.IntegerField()
    completed = peewee.IntegerField()
    failed = peewee.IntegerField()
    waiting = peewee.IntegerField()
    lateness_p95_seconds = peewee.DoubleField(null=True)
    lateness_p50_seconds = peewee.DoubleField(null=True)

    class Meta:
        table_name = "minutes"


class MinuteHold(Table):
    """How many of the runs that waited as a minute ended were held for one reason."""

    minute = InstantField()
    held_by = EnumField(Hold)
    waiting = peewee.IntegerField()

    class Meta:
        table_name = "minute_holds"
        primary_key = peewee.CompositeKey("minute", "held_by")
