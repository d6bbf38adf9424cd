"""The spool keeps what a job needs, and nothing else."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import peewee
import pytest

from core.errors import PermanentFailure
from models import database, installation
from models.tables import Upload, db
from services.execution.work import Failed
from services.files import spool, uploads
from tests.factories import NOON, GivenSystem, failed, in_threads, record
from tests.integration.api.client import Client
from tests.integration.files.uploading import PATH, claimed, form, spooled, stored, upload

ROOT = Path(__file__).parents[3]


def folder(system: GivenSystem) -> Path:
    with database.reading():
        return spool.folder(system.settings, installation.identity())


def sent(client: Client, headers: dict[str, str]) -> int:
    """The status of an upload with these headers besides its own."""
    upload = form()
    return client.simulate_post(PATH, **{**upload, "headers": {**upload["headers"], **headers}}).status_code


def at_the_commit_of_the_upload(monkeypatch: pytest.MonkeyPatch, act: Callable[[Callable[[], None]], None]) -> None:
    """Call this, with the commit, in place of the commit of the transaction that stores an upload."""
    commit = db.obj.commit

    def commit_or_act() -> None:
        if Upload.select().count() == 0:
            commit()
            return
        monkeypatch.undo()
        act(commit)

    monkeypatch.setattr(db.obj, "commit", commit_or_act)


def test_a_file_stays_until_its_job_is_due(client: Client, system: GivenSystem) -> None:
    upload(client, schedule_type="scheduled", scheduled_time=(NOON + timedelta(days=7)).isoformat())
    assert uploads.sweep(system) == 0
    assert len(spooled(system)) == 1


def test_a_file_stays_while_its_job_is_tried_again(client: Client, system: GivenSystem) -> None:
    upload(client)
    record(system, claimed(system), failed())
    assert uploads.sweep(system) == 0


def _cancel(client: Client, job_id: str, system: GivenSystem) -> None:
    assert client.simulate_post(f"/api/jobs/{job_id}/cancel").status_code == 200


def _delete(client: Client, job_id: str, system: GivenSystem) -> None:
    assert client.simulate_delete(f"/api/jobs/{job_id}").status_code == 204


def _fail(client: Client, job_id: str, system: GivenSystem) -> None:
    record(system, claimed(system), Failed(PermanentFailure("Never.")))


@pytest.mark.parametrize("end", [_cancel, _delete, _fail], ids=["cancelled", "deleted", "failed"])
def test_a_file_goes_when_its_job_is_over(
    client: Client, system: GivenSystem, end: Callable[[Client, str, GivenSystem], None]
) -> None:
    job = upload(client)
    end(client, job["id"], system)
    assert uploads.sweep(system) == 1
    assert spooled(system) == []


def test_a_file_that_was_stored_goes_even_if_its_worker_died_before_removing_it(
    client: Client, system: GivenSystem
) -> None:
    upload(client)
    [file] = spooled(system)
    stored(system)
    file.write_bytes(b"still there")
    assert uploads.sweep(system) == 1
    assert spooled(system) == []


def test_a_file_whose_job_was_never_stored_goes(system: GivenSystem) -> None:
    incoming = uploads.incoming(system)
    incoming.write(b"x")
    incoming.finish()
    assert uploads.sweep(system) == 0  # somebody is about to store the job
    incoming.release()
    assert uploads.sweep(system) == 1
    assert spooled(system) == []


KEYS = pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "one"}], ids=["no key", "a key"])


@KEYS
def test_a_sweep_before_the_commit_leaves_the_file_to_its_job(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, key: dict[str, str]
) -> None:
    swept: list[int] = []

    def sweep_first(commit: Callable[[], None]) -> None:
        swept.extend(in_threads(1, lambda _: uploads.sweep(system)))
        commit()

    at_the_commit_of_the_upload(monkeypatch, sweep_first)
    assert sent(client, key) == 201
    assert swept == [0]
    assert stored(system)


@KEYS
def test_a_file_whose_commit_was_not_answered_is_left_to_its_job(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, key: dict[str, str]
) -> None:
    def lose_the_answer(commit: Callable[[], None]) -> None:
        commit()
        raise peewee.OperationalError("the connection is gone")

    at_the_commit_of_the_upload(monkeypatch, lose_the_answer)
    assert sent(client, key) == (503 if key else 201)  # without a key it is looked up whether the job is there
    assert uploads.sweep(system) == 0
    assert stored(system)


def test_a_file_that_a_killed_process_was_receiving_goes_in_a_minute(system: GivenSystem) -> None:
    program = (
        "import pathlib, sys, settings; from services.files.spool import Incoming;"
        f"settings = settings.Settings(data_dir=pathlib.Path({str(system.settings.data_dir)!r}));"
        f"incoming = Incoming(settings, {folder(system).name!r});"
        "incoming.write(b'x' * 100_000); print('begun', flush=True); sys.stdin.read()"
    )
    receiver = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert receiver.stdout is not None
    receiver.stdout.readline()
    [file] = spooled(system)
    long_ago = time.time() - 61
    os.utime(file, (long_ago, long_ago))
    assert uploads.sweep(system) == 0  # it may be a slow caller
    receiver.kill()
    receiver.communicate()
    assert uploads.sweep(system) == 1
    assert spooled(system) == []


def test_a_file_that_has_only_just_come_is_left_alone(system: GivenSystem) -> None:
    folder(system).mkdir(parents=True)
    (folder(system) / f".receiving-{uuid4()}").touch()
    assert uploads.sweep(system) == 0


def test_two_sweeps_at_a_time_do_not_mind_each_other(client: Client, system: GivenSystem) -> None:
    upload(client)
    [file] = spooled(system)
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert uploads.sweep(system) == 0
    assert stored(system)


def test_files_of_others_in_the_folder_are_left_alone(system: GivenSystem) -> None:
    folder(system).mkdir(parents=True)
    (folder(system) / "README").write_text("?")
    assert uploads.sweep(system) == 0
    assert len(spooled(system)) == 1


def test_files_of_another_installation_in_the_same_folder_are_left_alone(system: GivenSystem) -> None:
    others = spool.folder(system.settings, "f" * 32)
    others.mkdir(parents=True)
    (others / str(uuid4())).touch()
    assert uploads.sweep(system) == 0
    assert len(spooled(system)) == 1


def test_a_file_that_the_release_before_left_is_stored(client: Client, system: GivenSystem) -> None:
    upload(client)
    [file] = spooled(system)
    file.rename(system.settings.data_dir / "spool" / file.name)
    assert uploads.sweep(system) == 0
    assert stored(system)
    assert spooled(system) == []


def test_an_empty_house_needs_no_sweeping(system: GivenSystem) -> None:
    assert uploads.sweep(system) == 0


def test_many_files_are_swept_in_turns(client: Client, system: GivenSystem) -> None:
    needed = upload(client)["data"]["upload_id"]
    for _ in range(450):
        (folder(system) / str(uuid4())).touch()
    assert uploads.sweep(system) == 450
    assert [file.name for file in spooled(system)] == [needed]
