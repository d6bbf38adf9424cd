"""Installations that archive into one bucket."""

from __future__ import annotations

from typing import Any

from services.maintenance import pruning
from tests.factories import given_system
from tests.integration.api.client import Client, served
from tests.integration.archive.archiving import DAY, ended, let_them_age, shown


def test_installations_that_share_a_bucket_keep_to_their_own_prefixes(
    sqlite: str, settings: dict[str, Any], bucket: dict[str, Any]
) -> None:
    systems = [given_system(**settings, **bucket, archive_prefix=one) for one in ("shop/archive", "archive")]
    [mine, other] = [Client(served(one)) for one in systems]
    runs = ended(systems[0], 2)
    let_them_age(systems[0])
    sum(pruning.sweep(systems[0]))
    assert (shown(mine), shown(other)) == (runs, [])
    assert other.simulate_get("/api/archive").json["results"] == []
    assert mine.simulate_get(f"/api/archive/runs/{runs[1]}", params={"since": DAY}).json["id"] == runs[1]
