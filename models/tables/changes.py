"""The table of changes."""

from __future__ import annotations

import peewee

from models.fields import InstantField
from models.tables.base import Table


class Change(Table):
    """What one transaction changed: ids of 16 bytes each, one after the other. The database numbers the rows."""

    number = peewee.BigIntegerField(primary_key=True)
    jobs = peewee.BlobField()
    runs = peewee.BlobField()
    apps = peewee.BlobField()
    written_at = InstantField()

    class Meta:
        table_name = "changes"
