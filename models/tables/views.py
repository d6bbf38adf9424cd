"""The table of saved views of lists."""

from __future__ import annotations

import peewee

from models.fields import InstantField, JsonField, new_id
from models.tables.base import Table


class SavedView(Table):
    """A filter of a list under a name, of one caller."""

    id = peewee.UUIDField(primary_key=True, default=new_id)
    owner_id = peewee.UUIDField()
    list = peewee.TextField()
    name = peewee.TextField()
    query = JsonField()
    created_at = InstantField()

    class Meta:
        table_name = "saved_views"
