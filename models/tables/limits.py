"""Tables of limits: their keys, the calls that use them, and the keys that hold runs."""

from __future__ import annotations

import peewee

from core.limit_keys import LimitKind
from core.states import Hold
from models.fields import EnumField, InstantField
from models.tables.base import Table


class Limit(Table):
    """What a key allows, and its weight if it is the key of a party.

    `app_id` and `job_id` are the app or job that the key is on, if any; the limit is deleted with it.
    """

    key = peewee.TextField(primary_key=True)
    kind = EnumField(LimitKind)
    app_id = peewee.UUIDField(null=True)
    job_id = peewee.UUIDField(null=True)
    concurrency = peewee.IntegerField(null=True)
    calls = peewee.IntegerField(null=True)
    per_seconds = peewee.IntegerField(null=True)
    weight = peewee.DoubleField(null=True)
    weight_put_by = peewee.TextField(null=True)  # the administrator, of a weight below 1
    expires_at = InstantField(null=True)
    created_at = InstantField()
    updated_at = InstantField()

    class Meta:
        table_name = "limits"


class Use(Table):
    """A call of a run under a limited key; `ended_at` is null while it lasts."""

    key = peewee.TextField()
    run_id = peewee.UUIDField()
    fence = peewee.BigIntegerField()
    ended_at = InstantField(null=True)

    class Meta:
        table_name = "uses"
        primary_key = False


class HeldKey(Table):
    """A key that holds runs: why, and when to look for room."""

    key = peewee.TextField(primary_key=True)
    app_id = peewee.UUIDField(null=True)
    held_by = EnumField(Hold)
    until = InstantField()

    class Meta:
        table_name = "held_keys"


class Breaker(Table):
    """The open breaker of a host as one app calls it: how many calls may be made at once, and when the next probe."""

    key = peewee.TextField(primary_key=True)
    app_id = peewee.UUIDField()
    host = peewee.TextField()
    places = peewee.IntegerField()
    wait_seconds = peewee.DoubleField()
    probe_at = InstantField()
    opened_at = InstantField()

    class Meta:
        table_name = "breakers"
