"""The guard: a database that was taken back is noticed, and nothing of it starts; any other goes on as ever."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from cli import command_line
from core.errors import Misconfigured
from core.principals import LOCAL
from core.schedules import DelayFromNow, Interval
from core.states import Hold, RunStatus
from models import database, set_based
from models.tables import AuditEntry, Installation
from processes import on_database
from services.files import spool, uploads
from services.jobs import lifecycle, requested_runs
from services.maintenance import rescues
from services.reading.explaining import explanations
from services.restoring import declaring, mark_file
from services.restoring.guard import Guard
from services.scheduling import dispatching, pauses
from tests import statements
from tests.factories import (
    NOON,
    GivenSystem,
    claim,
    claim_one,
    first_run,
    given_system,
    runs_of,
    stored_run,
)
from tests.integration.restoring.conftest import TakeBack


def come(system: GivenSystem, seconds: float) -> None:
    system.clock.advance(seconds)
    dispatching.make_due(system, [run_id for run_id, _ in dispatching.due_soon(system)])


def held(job_id: UUID) -> list[tuple[RunStatus, Hold | None]]:
    return [(run.status, run.held_by) for run in runs_of(job_id)]


def test_an_installation_that_goes_on_is_never_held(system: GivenSystem) -> None:
    run = first_run(system)
    for _ in range(3):
        system.clock.advance(60)
        one = Guard(system)
        one.look()
        one.look()
        assert one.troubles() == []
    assert Installation.get().mark == 3
    assert claim_one(system).run_id == run.id


def test_a_clock_that_goes_back_does_not_stop_the_mark(system: GivenSystem) -> None:
    Guard(system).look()
    system.clock.advance(-3600)
    Guard(system).look()
    assert Installation.get().mark == 2


def test_what_was_due_when_the_database_was_taken_back_does_not_start(system: GivenSystem, take_back: TakeBack) -> None:
    run = first_run(system)
    found = take_back()
    assert claim(system) == []
    assert held(run.job_id) == [(RunStatus.QUEUED, Hold.RESTORED)]
    assert [one.part for one in found.troubles()] == ["restore"]
    shown = declaring.view(LOCAL)
    assert (shown.restored_to, shown.restored_at) == (NOON, NOON + timedelta(seconds=120))


def test_a_process_that_runs_while_the_database_is_taken_back_notices(system: GivenSystem, take_back: TakeBack) -> None:
    running = Guard(system)
    running.look()
    shutil.rmtree(system.settings.data_dir / mark_file.FOLDER)
    with database.transaction():
        Installation.update(mark=0).execute()
    running.look()
    assert [one.part for one in running.troubles()] == ["restore"]


def test_a_copy_in_another_place_is_held_though_no_file_knows_of_it(store: str, tmp_path: Path) -> None:
    Guard(given_system(data_dir=tmp_path / "there")).look()
    elsewhere = given_system(data_dir=tmp_path / "here")
    with database.transaction():
        Installation.update(home="another server").execute()
    run = first_run(elsewhere)
    Guard(elsewhere).look()
    assert claim(elsewhere) == []
    assert stored_run(run.id).held_by is Hold.RESTORED


def test_a_restored_file_of_sqlite_is_in_another_place(sqlite: str, tmp_path: Path) -> None:
    system = given_system(data_dir=tmp_path / "data")
    Guard(system).look()
    database.disconnect()
    file = Path(sqlite.removeprefix("sqlite:///"))
    shutil.copyfile(file, tmp_path / "backup.db")
    (tmp_path / "backup.db").rename(file)
    database.connect(sqlite, "test")
    found = Guard(system)
    found.look()
    assert [one.part for one in found.troubles()] == ["restore"]


def test_another_process_that_starts_then_does_not_hold_it_again(system: GivenSystem, take_back: TakeBack) -> None:
    take_back()
    before = Installation.get().restored_at
    system.clock.advance(60)
    Guard(system).look()
    assert Installation.get().restored_at == before


def test_another_installation_in_the_same_folder_is_not_one_that_was_taken_back(
    system: GivenSystem, take_back: TakeBack
) -> None:
    Guard(system).look()
    with database.transaction():
        Installation.update(identity="f" * 32, mark=0, home=None).execute()
    other = Guard(system)
    other.look()
    assert other.troubles() == []
    assert len(list((system.settings.data_dir / mark_file.FOLDER).iterdir())) == 2


def test_a_copy_that_shares_the_folder_leaves_the_mark_and_the_uploads_of_the_original_alone(
    system: GivenSystem,
) -> None:
    Guard(system).look()
    original = Installation.get().identity
    waits = spool.Incoming(system.settings, original)
    waits.finish()
    waits.release()
    with database.transaction():  # the copy has the identity, and none of the jobs that were created since
        Installation.update(home="another server").execute()
    Guard(system).look()
    assert uploads.sweep(system) == 0
    assert spool.opened(system.settings, waits.id) is not None
    assert Installation.get().identity != original
    assert mark_file.read(system.settings, original) == 1


def test_a_host_that_cannot_keep_the_mark_goes_on(store: str, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    found = Guard(given_system(data_dir=tmp_path / "data"))
    found.look()
    found.look()
    assert found.troubles() == []


def test_what_comes_due_meanwhile_is_held_and_occurrences_are_not_skipped(
    system: GivenSystem, take_back: TakeBack
) -> None:
    later = first_run(system, DelayFromNow(600)).job_id
    recurring = first_run(system, Interval(every_seconds=600)).job_id
    take_back()
    come(system, 600)
    assert held(later) == [(RunStatus.QUEUED, Hold.RESTORED)]
    assert held(recurring)[0] == (RunStatus.QUEUED, Hold.RESTORED)


def test_new_jobs_of_a_held_app_wait_and_those_of_new_apps_do_not(system: GivenSystem, take_back: TakeBack) -> None:
    first_run(system)
    take_back()
    waits = first_run(system)
    assert stored_run(waits.id).held_by is Hold.RESTORED
    starts = first_run(system, app_name="app_b")
    assert claim_one(system).run_id == starts.id


@pytest.mark.parametrize("of_app", [True, False], ids=["the app", "the job"])
def test_a_pause_that_ends_leaves_the_run_to_the_restore(
    system: GivenSystem, take_back: TakeBack, of_app: bool
) -> None:
    run = first_run(system)
    if of_app:
        pauses.pause_app(LOCAL, system, "app_a")
    else:
        lifecycle.pause(LOCAL, system, run.job_id)
    take_back()
    assert stored_run(run.id).held_by is Hold.PAUSED
    system.doorbell.heard()
    if of_app:
        pauses.resume_app(LOCAL, system, "app_a")
    else:
        lifecycle.resume(LOCAL, system, run.job_id)
    assert stored_run(run.id).held_by is Hold.RESTORED
    assert system.doorbell.heard() == []


def test_a_run_that_a_worker_had_at_the_backup_is_held_when_it_is_tried_again(
    system: GivenSystem, take_back: TakeBack
) -> None:
    run = first_run(system)
    claim_one(system)
    take_back()
    rescues.rescue_all(system)
    come(system, 3600)
    assert held(run.job_id) == [(RunStatus.QUEUED, Hold.RESTORED)]
    [shown] = declaring.view(LOCAL).apps
    assert (shown.app_name, shown.begun, shown.not_begun) == ("app_a", 1, 0)


def test_a_run_on_request_waits_and_why_says_what_for(system: GivenSystem, take_back: TakeBack) -> None:
    job_id = first_run(system, DelayFromNow(86_400)).job_id
    take_back()
    run = requested_runs.trigger(LOCAL, system, job_id)
    assert stored_run(run.id).held_by is Hold.RESTORED
    answer = explanations.explain(LOCAL, system, job_id, run.scheduled_for).answer
    assert "taken back to an earlier state" in answer
    assert "carillon restore" in answer


def test_live_channels_begin_anew_since_their_cursors_are_of_a_future_that_is_gone(
    system: GivenSystem, take_back: TakeBack
) -> None:
    before = Installation.get().epoch
    take_back()
    assert Installation.get().epoch != before


def test_a_restore_is_declared_before_anything_is_started(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = given_system()
    run = first_run(system)
    monkeypatch.setenv("DATABASE_URL", sqlite)
    words = ["restore", "declare-offline", "--reason", "marks were restored too"]
    told = CliRunner().invoke(command_line(words), words)
    assert f"Held in the database {sqlite.removeprefix('sqlite:///')}: 1 apps, 1 runs" in told.stdout
    assert claim(system) == []
    assert stored_run(run.id).held_by is Hold.RESTORED
    with database.reading():
        assert AuditEntry.get(AuditEntry.action == "restore.declared").reason == "marks were restored too"


def test_a_restore_is_not_declared_in_a_database_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "carillon.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    with pytest.raises(Misconfigured, match="There is no database"):
        on_database.declare_offline("a backup was restored")
    assert not file.exists()


def test_many_runs_are_held_a_part_at_a_time_so_that_no_statement_takes_long(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_based, "_CHUNK", 2)
    due = [first_run(system) for _ in range(5)]
    with statements.noted() as sent:
        declaring.declare(LOCAL, system)
    assert len([text for text, _ in sent if 'UPDATE "runs"' in text]) == 3
    assert {stored_run(run.id).held_by for run in due} == {Hold.RESTORED}


def test_a_restore_that_nobody_can_notice_is_declared(system: GivenSystem) -> None:
    run = first_run(system)
    shown = declaring.declare(LOCAL, system, "restored by hand")
    assert [(one.app_name, one.not_begun) for one in shown.apps] == [("app_a", 1)]
    assert stored_run(run.id).held_by is Hold.RESTORED
