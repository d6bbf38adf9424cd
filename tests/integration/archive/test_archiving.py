"""What is pruned is archived first, and nothing is lost or shown twice whatever happens between."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from api.schemas.archive import ArchivedRun
from core.principals import LOCAL
from core.states import JobState
from models import calls, database, run_lines
from models.tables import Job, Run, RunHold
from services.archive import lines, storing
from services.jobs import editing, lifecycle
from services.maintenance import pruning
from services.maintenance.coordinator import Coordinator
from services.maintenance.prune_loop import ARCHIVE_AWAY, PruneLoop
from services.messaging.broker import InProcessBroker
from services.runtime import faults
from tests.factories import GivenSystem, claim_one, first_run, given_system, record, refused
from tests.integration.api.client import Client, served
from tests.integration.archive.archiving import DAY, DAY_SECONDS, ended, left, let_them_age, parts, shown
from tests.ports import closed_port
from tests.waiting import until

CALL = {
    "request": {"method": "POST", "url": "http://a/", "headers": {"X-Key": "***"}, "body": "é", "size": 2},
    "address": "192.0.2.1",
    "over_kept_connection": False,
    "answer": None,
    "phases": [{"name": "connect", "seconds": 0.25}],
}


def test_an_archived_run_is_all_that_was_shown_of_it(store: str, settings: dict[str, Any]) -> None:
    system = given_system(**settings)
    client = Client(served(system))
    run = first_run(system, name="nightly", account_id="acc7", max_retries=0)
    record(system, claim_one(system), refused())
    with database.transaction():
        calls.insert([(run.id, 1, json.dumps(CALL))])
        RunHold.insert(
            run=run.id, number=1, held_by="rate_limit", since=run.created_at, holders=[str(run.id)]
        ).execute()
        run_lines.add(run.id, 1, ["half way", "日本"], system.clock.now(), most=10, characters=1_000)
    before = client.simulate_get(f"/api/runs/{run.id}").json
    editing.delete(LOCAL, system, run.job_id)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert left(str(run.id)) == 0
    [archived] = client.simulate_get(f"/api/archive/{DAY}").json["results"]
    assert archived == {**before, "account_id": "acc7"}
    assert archived["attempts"][0]["call"] == CALL
    assert archived["holds"][0]["holders"] == [str(run.id)]
    assert ArchivedRun.model_validate(archived).job_name == "nightly"


def test_a_day_is_json_lines_in_zipped_parts_by_app(system: GivenSystem) -> None:
    first = ended(system, 2)
    second = ended(system, app_name="app_b")
    let_them_age(system)
    sum(pruning.sweep(system))
    texts = [gzip.decompress(part.read_bytes()) for part in parts(system)]
    read = [[json.loads(line)["id"] for line in text.splitlines()] for text in texts]
    assert read == [first, second]
    assert [part.parts[-5:-1] for part in parts(system)] == [("2026", "11", "20", one) for one in ("app_a", "app_b")]


def test_runs_are_in_the_bucket_before_they_are_deleted(
    sqlite: str, settings: dict[str, Any], bucket: dict[str, Any]
) -> None:
    system = given_system(**settings, **bucket)
    client = Client(served(system))
    runs = ended(system, 3)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert left(*runs) == 0
    assert shown(client) == runs
    assert client.simulate_get(f"/api/archive/runs/{runs[1]}", params={"since": DAY}).json["id"] == runs[1]
    [day] = client.simulate_get("/api/archive").json["results"]
    assert (day["day"], day["apps"][0]["app_name"], day["apps"][0]["runs"]) == (DAY, "app_a", 3)
    assert parts(system) == []


def test_without_the_setting_nothing_is_archived(sqlite: str, settings: dict[str, Any]) -> None:
    system = given_system(**{**settings, "archive_history": False})
    runs = ended(system)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert (left(*runs), parts(system)) == (0, [])
    assert Client(served(system)).simulate_get("/api/archive").json == {"next": None, "results": []}


class DiedError(Exception):
    """The process ended here."""


def die_between(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prune, and die when runs are stored and not deleted."""

    def die(point: str) -> None:
        assert point == faults.ARCHIVED
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr(faults, "reach", die)
        with pytest.raises(DiedError):
            sum(pruning.sweep(system))


def test_who_dies_between_storing_and_deleting_stores_the_same_part_again(
    system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = ended(system, 3)
    let_them_age(system)
    die_between(system, monkeypatch)
    before = [(part, part.read_bytes()) for part in parts(system)]
    assert (left(*runs), len(before)) == (3, 1)
    sum(pruning.sweep(system))
    assert left(*runs) == 0
    assert [(part, part.read_bytes()) for part in parts(system)] == before
    assert shown(client) == runs


def test_runs_that_are_in_two_parts_are_shown_once(
    system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = ended(system, 4)
    system.clock.advance(30 * DAY_SECONDS - 3)  # the first may go, the others not yet
    die_between(system, monkeypatch)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert len(parts(system)) == 2
    assert shown(client) == runs
    [day] = client.simulate_get("/api/archive").json["results"]
    assert day["apps"][0]["runs"] == 4, "each counts once"


@pytest.fixture
def away() -> Iterator[int]:
    """The port of a server that is away."""
    with closed_port() as port:
        yield port


def test_a_bucket_that_is_away_keeps_the_runs_and_nothing_else(
    sqlite: str, settings: dict[str, Any], bucket: dict[str, Any], away: int
) -> None:
    system = given_system(**settings, **{**bucket, "aws_endpoint_url": f"http://127.0.0.1:{away}"})
    runs = ended(system, 2, keep_days=10) + ended(system, 2)
    without_runs = first_run(system).job_id
    lifecycle.cancel(LOCAL, system, without_runs)
    with database.transaction():
        Run.delete().where(Run.job == without_runs).execute()
    let_them_age(system)
    loop = PruneLoop(system)
    first, second = after_a_sweep(loop), after_a_sweep(loop)
    assert left(*runs) == 4
    assert Job.get_or_none(Job.id == without_runs) is None
    assert second == 2 * first > 1
    assert loop.troubles() == [ARCHIVE_AWAY]


def test_the_trouble_is_over_when_the_archive_takes_runs_again(system: GivenSystem) -> None:
    runs = ended(system)
    let_them_age(system)
    files = system.settings.data_dir / "files"
    files.parent.mkdir(parents=True)
    files.write_text("not a folder")
    loop = PruneLoop(system)
    assert after_a_sweep(loop) < 3_600
    assert (left(*runs), loop.troubles()) == (1, [ARCHIVE_AWAY])
    files.unlink()
    assert after_a_sweep(loop) == 3_600
    assert (left(*runs), loop.troubles(), len(parts(system))) == (0, [], 1)


def test_the_coordinator_tells_of_an_archive_that_is_away(system: GivenSystem) -> None:
    ended(system)
    let_them_age(system)
    files = system.settings.data_dir / "files"
    files.parent.mkdir(parents=True)
    files.write_text("not a folder")
    coordinator = Coordinator(system, InProcessBroker())
    coordinator.start()
    try:
        until(lambda: ARCHIVE_AWAY in coordinator.troubles(), "the trouble to be told")
    finally:
        coordinator.stop()


def after_a_sweep(loop: PruneLoop) -> float:
    """Take every pass of a sweep; the rest after it."""
    while (rest := loop.turn()) < 1:
        pass
    return rest


def test_a_part_of_which_another_process_has_deleted_runs_is_not_stored(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = ended(system, 3)
    whole = lines.of_runs

    def but_one(run_ids: Sequence[UUID]) -> Iterator[bytes]:
        return whole(run_ids[1:])

    monkeypatch.setattr(lines, "of_runs", but_one)
    assert storing.store(system, [UUID(one) for one in runs]) == []
    assert parts(system) == []


def test_a_run_that_must_stay_by_now_is_not_deleted_though_it_is_stored(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = ended(system)
    let_them_age(system)

    def reopened(_point: str) -> None:
        with database.transaction():
            Job.update(state=JobState.ACTIVE, finished_at=None).execute()

    monkeypatch.setattr(faults, "reach", reopened)
    sum(pruning.sweep(system))
    assert (left(run), len(parts(system))) == (1, 1)


def test_a_rule_that_was_given_meanwhile_keeps_a_run_though_it_is_stored(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    [run] = ended(system)
    let_them_age(system)

    def ruled(_point: str) -> None:
        with database.transaction():
            Job.update(keep_days=3_650).execute()

    monkeypatch.setattr(faults, "reach", ruled)
    sum(pruning.sweep(system))
    assert left(run) == 1


def test_a_run_that_cannot_be_written_down_stays_and_all_others_go(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, *others = ended(system, 3)
    of_runs = lines.of_runs

    def written(run_ids: Sequence[UUID]) -> Iterator[bytes]:
        if UUID(odd) in run_ids:
            raise ValueError("a status of a later release")
        return of_runs(run_ids)

    monkeypatch.setattr(lines, "of_runs", written)
    monkeypatch.setattr(pruning, "WINDOW", 1)
    monkeypatch.setattr(pruning, "GATHERED", 1)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert (left(odd), left(*others), len(parts(system))) == (1, 0, 2)


def test_runs_of_many_jobs_with_rules_of_their_own_share_a_part(system: GivenSystem, client: Client) -> None:
    runs = ended(system, 4, keep_days=1)
    system.clock.advance(5 * DAY_SECONDS)
    sum(pruning.sweep(system))
    assert (left(*runs), len(parts(system))) == (0, 1)
    assert shown(client) == runs


def test_runs_of_many_passes_share_a_part_of_each_app(
    system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "WINDOW", 2)
    runs = [run for _ in range(3) for app_name in ("app_a", "app_b") for run in ended(system, app_name=app_name)]
    let_them_age(system)
    sum(pruning.sweep(system))
    assert (left(*runs), [part.parent.name for part in parts(system)]) == (0, ["app_a", "app_b"])
    assert shown(client) == runs[::2] + runs[1::2]


def test_a_part_has_no_more_runs_than_it_may(
    system: GivenSystem, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "MAX_OF_A_PART", 2)
    runs = ended(system, 5)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert (left(*runs), len(parts(system))) == (0, 3)
    assert shown(client) == runs
