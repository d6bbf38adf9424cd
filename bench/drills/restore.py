"""The restore drill: a dump under load, restored to another server; the guard holds all of it, until it is released."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import carillon as carillons
from bench import waiting
from bench.carillon import Carillon
from bench.checkout import ours
from bench.drills import guard, installation
from bench.drills.installation import SHORT_LEASES
from bench.drills.load import Load
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, say
from bench.servers import Place
from local import install
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from processes.programs import ProgramError

_LATER = {"type": "delay_from_now", "duration_seconds": 20}
_LATER_JOBS = 40
_LOAD_SECONDS = 10.0
_ON_THE_WAY = "SELECT COUNT(*) FROM runs WHERE status IN ('pending', 'retrying', 'running')"
_HELD = "SELECT COUNT(*) FROM runs WHERE status = 'queued' AND held_by = 'restored'"


def run(folder: Path) -> int:
    """Run the drill. Returns the exit status."""
    verdict = Verdict("restore")
    with ExitStack() as parts:
        first = parts.enter_context(PrivatePostgres(folder / "first", durable=True))
        second = parts.enter_context(PrivatePostgres(folder / "second", durable=True))
        rabbit = parts.enter_context(PrivateRabbit(folder / "rabbitmq"))
        receiver = parts.enter_context(Receiver())
        place = Place(first.create_database("drill"), rabbit.create_vhost("first"), rabbit.management_url)
        dump = folder / "carillon.dump"
        waits = _until_the_dump(place, folder, receiver, dump, verdict)
        restored = replace(
            place, database_url=second.create_database("drill"), rabbitmq_url=rabbit.create_vhost("second")
        )
        _call("pg_restore", "--no-owner", f"--dbname={restored.database_url}", str(dump))
        say("restored to another server")
        _after_the_restore(restored, folder, receiver, waits, verdict)
    return verdict.told()


def _until_the_dump(place: Place, folder: Path, receiver: Receiver, dump: Path, verdict: Verdict) -> set[str]:
    """Run an installation under load, dump it in the midst, and let it go on until all has run. Returns later jobs."""
    with carillons.installed(ours(), folder, place, installation.settings(receiver, **SHORT_LEASES)) as running:
        installation.start(running)
        with Load([running.url]) as load:
            later = [running.post("/api/jobs/create", _later(number))["id"] for number in range(_LATER_JOBS)]
            time.sleep(_LOAD_SECONDS / 2)
            began = time.monotonic()
            _call("pg_dump", "--format=custom", f"--file={dump}", place.database_url)
            say(f"dumped under load in {time.monotonic() - began:.1f} s")
            time.sleep(_LOAD_SECONDS / 2)
        wanted = {*load.acknowledged(), *later}
        running.wait_until(lambda: wanted <= receiver.jobs(), "the end of all jobs", rest_seconds=0.2)
        verdict.note(f"{len(wanted)} jobs ran to their end, {len(later)} of them after the dump")
    return set(later)


def _after_the_restore(place: Place, folder: Path, receiver: Receiver, waits: set[str], verdict: Verdict) -> None:
    """Start on the restored database: nothing may be delivered again before it is released, and then all of a slice."""
    before = receiver.total()
    with carillons.installed(ours(), folder, place, installation.settings(receiver, **SHORT_LEASES)) as running:
        installation.start(running)
        waiting.until(lambda: guard.readiness(running)["status"] == "degraded", "the guard")
        # Runs that a worker had at the dump are taken back, and what was to come is made due.
        running.wait_until(lambda: place.count(_ON_THE_WAY) == 0, "what is due", rest_seconds=0.2)
        held = place.count(_HELD)
        parts = guard.troubled_parts(running)
        verdict.expect(holds="restore" in parts, found=f"/readyz is degraded by {', '.join(parts)}")
        shown = guard.held(running).values()
        begun, listed = sum(one for one, _ in shown), sum(map(sum, shown))
        verdict.expect(
            holds=listed == held >= len(waits), found=f"{held} runs are held, {listed} listed by app, {begun} had begun"
        )
        count = receiver.total() - before
        verdict.expect(holds=count == 0, found=f"{count} callbacks came before the release")
        _release(running, place, receiver, held, verdict)


def _release(running: Carillon, place: Place, receiver: Receiver, held: int, verdict: Verdict) -> None:
    before = receiver.total()
    slice_size = min(5, held)
    done = guard.release(running, runs=slice_size)
    running.wait_until(lambda: receiver.total() - before >= slice_size, "the slice", rest_seconds=0.2)
    time.sleep(2)  # whatever came besides would come now
    count = receiver.total() - before
    verdict.expect(
        holds=done == count == slice_size, found=f"a slice of {slice_size} was released: {count} callbacks came"
    )
    discarded = guard.release(running, runs=slice_size, discard=True)
    rest = guard.release(running)
    expected = count + rest
    running.wait_until(lambda: receiver.total() - before >= expected, "the rest", rest_seconds=0.2)
    running.wait_until(lambda: place.count(_HELD) == 0, "the end of the holds", rest_seconds=0.2)
    waiting.until(lambda: guard.readiness(running)["status"] == "ready", "readiness", rest_seconds=0.5)
    total = receiver.total() - before
    verdict.expect(
        holds=total == expected, found=f"{discarded} were discarded, {rest} released as the rest: {total} came in all"
    )
    new = running.post("/api/jobs/create", _later(0) | {"schedule": {"type": "immediate"}})["id"]
    running.wait_until(lambda: new in receiver.jobs(), "a new job", rest_seconds=0.2)
    verdict.note("/readyz is ready, and a new job runs")


def _later(number: int) -> dict[str, Any]:
    return {**carillons.job("drill", _LATER), "app_name": f"later_{number % 2}"}


def _call(program: str, *arguments: str) -> None:
    command = [str(install.ensure("postgresql") / program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramError(f"{program} failed:\n{done.stderr}")
