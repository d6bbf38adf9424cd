"""Tables of what runs and jobs produce: e-mails, alerts, stored files."""

from __future__ import annotations

from uuid import UUID

import peewee

from core.alerting import AlertKind
from models.fields import EnumField, InstantField, WordsField, new_id
from models.tables.base import Table
from models.tables.jobs import Job
from models.tables.runs import Run


class Delivery(Table):
    """The final outcome of one of a run's e-mails."""

    run = peewee.ForeignKeyField(Run, column_name="run_id")
    run_id: UUID
    position = peewee.IntegerField()
    recipient = peewee.TextField()
    refusal = WordsField(null=True)
    settled_at = InstantField()

    class Meta:
        table_name = "deliveries"
        primary_key = peewee.CompositeKey("run", "position")


class Alert(Table):
    """An alert for a job's owner; `told_at` is null until it is sent."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    kind = EnumField(AlertKind)
    failures = peewee.IntegerField(default=0)
    words = WordsField(null=True)
    created_at = InstantField()
    taken_until = InstantField(null=True)
    told_at = InstantField(null=True)

    class Meta:
        table_name = "alerts"


class Upload(Table):
    """A file that a job will store, or has stored; `host_url` is the host whose spool has it until then."""

    id = peewee.UUIDField(primary_key=True)
    job = peewee.ForeignKeyField(Job, column_name="job_id")
    job_id: UUID
    file_name = peewee.TextField()
    size = peewee.BigIntegerField()
    host_url = peewee.TextField()
    object_name = peewee.TextField()
    fetch_hash = peewee.TextField(null=True)
    stored_at = InstantField(null=True)
    created_at = InstantField()

    class Meta:
        table_name = "uploads"
