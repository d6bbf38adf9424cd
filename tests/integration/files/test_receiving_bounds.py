"""What a user may have waiting in the spools is refused while it comes, before it fills the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.errors import Forbidden
from core.principals import LOCAL, Principal, PrincipalKind
from services.files.receiving import Receptions
from services.files.spool import Incoming
from tests.factories import GivenSystem, given_system
from tests.integration.access.tenants import made_app, made_key
from tests.integration.api.client import Client, served
from tests.integration.api.people import SECRET, token_of
from tests.integration.files.uploading import PATH, form, spooled

ANNA, BERTA = (Principal(PrincipalKind.USER, UUID(int=number)) for number in (1, 2))
KEY = Principal(PrincipalKind.KEY, key_id=UUID(int=3))
PIECE = 256 * 1024


@pytest.fixture
def system(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(
        internal_secret=SECRET, max_upload_bytes=8 * PIECE, max_waiting_upload_bytes=4 * PIECE, data_dir=tmp_path
    )


def test_the_rest_of_a_file_that_is_too_large_to_wait_is_not_spooled(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write = Incoming.write

    def noted(incoming: Incoming, piece: bytes) -> None:
        written.append(len(piece))
        write(incoming, piece)

    monkeypatch.setattr(Incoming, "write", noted)
    client = Client(served(system))
    request = form(bytes(8 * PIECE))
    headers = {**request["headers"], **token_of(client, "anna")}
    refused = client.simulate_post(PATH, body=request["body"], headers=headers)
    assert (refused.status_code, "MAX_WAITING_UPLOAD_BYTES" in refused.json["detail"]) == (403, True)
    assert 0 < sum(written) <= 4 * PIECE
    assert spooled(system) == []


@pytest.mark.parametrize("who", [ANNA, KEY], ids=["user", "key"])
def test_files_that_come_at_the_same_time_are_counted_together_by_their_caller(
    system: GivenSystem, who: Principal
) -> None:
    receptions = Receptions(system)
    first, second = receptions.begin(who), receptions.begin(who)
    others = [receptions.begin(who) for who in (BERTA, LOCAL)]
    first.write(bytes(3 * PIECE))
    second.write(bytes(PIECE))
    with pytest.raises(Forbidden, match="MAX_WAITING_UPLOAD_BYTES"):
        second.write(b"x")
    for other in others:
        other.write(bytes(4 * PIECE))
    first.end()
    second.write(b"x")
    for one in (second, *others):
        one.end()
    assert not receptions._under_way
    assert spooled(system) == []


def test_a_file_that_is_sent_again_with_its_key_gets_its_answer_where_there_is_no_room_for_another(
    system: GivenSystem,
) -> None:
    client = Client(served(system))
    later = {"schedule_type": "scheduled", "scheduled_time": "2099-01-01T00:00:00Z"}
    request = form(bytes(3 * PIECE), **later)
    headers = {**request["headers"], **token_of(client, "anna")}

    def send(**more: str) -> Any:
        return client.simulate_post(PATH, body=request["body"], headers={**headers, **more})

    first, again, another = send(**{"Idempotency-Key": "a"}), send(**{"Idempotency-Key": "a"}), send()
    assert (first.status_code, again.status_code, another.status_code) == (201, 201, 403)
    assert again.json["id"] == first.json["id"]


def test_a_key_that_may_upload_nothing_is_refused_before_anything_is_received(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(served(system))
    key = made_key(client, {"X-Internal-Secret": SECRET}, made_app(client, token_of(client, "anna"), "mine"), "jobs")
    monkeypatch.setattr(Receptions, "begin", pytest.fail)
    request = form(bytes(PIECE))
    refused = client.simulate_post(PATH, body=request["body"], headers={**request["headers"], **key})
    assert refused.status_code == 403
