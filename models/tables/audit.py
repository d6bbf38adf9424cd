"""The table of who changed what."""

from __future__ import annotations

import peewee

from core.principals import PrincipalKind
from models.fields import EnumField, InstantField, JsonField, WordsField, new_id
from models.tables.base import Table


class AuditEntry(Table):
    """One change: by whom, with what, from where, of which thing, and why."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    at = InstantField()
    kind = EnumField(PrincipalKind)
    principal = peewee.TextField()
    caller_id = peewee.UUIDField(null=True)
    credential = peewee.TextField()
    address = peewee.TextField(null=True)
    request_id = peewee.TextField(null=True)
    action = peewee.TextField()
    app_id = peewee.UUIDField(null=True)
    thing = peewee.TextField()
    thing_id = WordsField()
    before = JsonField(null=True)
    after = JsonField(null=True)
    reason = WordsField(null=True)

    class Meta:
        table_name = "audit"
