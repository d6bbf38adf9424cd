"""Carillon's command line: composes every process.

serve         everything in one process, on SQLite (what ./run does)
demo          serve, and show one job of each kind
services      the Procfile's processes, on RabbitMQ and PostgreSQL; `services demo` shows the same there
web, worker, coordinator, periodic    one process of the services mode
autoscale     one to five workers, as the queues ask for them
migrate       bring the database to the newest schema
jobs, runs, apply, export, preview    the client's commands, to a server by its API (`./carillon jobs list`)
"""

from __future__ import annotations

from processes import signals

signals.obey()  # before what follows, which takes a second to import

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dotenv
import dramatiq
import structlog
import typer

import periodic as beats
import settings as configuration
from actors.main import RunWorker
from client import commands, endings
from core.errors import DatabaseUnavailable, Misconfigured
from local import demonstration, stack, trial_receiver
from migrations import runner
from models import database
from processes import autoscale as scaling
from processes.health import endpoint
from processes.probe import BrokerProbe
from processes.programs import LocalServerError
from processes.signals import StopSignals
from services.files import spool
from services.files.sweeping import Sweeper
from services.maintenance.coordinator import Coordinator
from services.messaging import broker as brokers
from services.messaging import broker_url
from services.messaging.doorbell import BrokerDoorbell
from services.runtime import database_retry, faults, logs
from services.runtime.clock import DatabaseClock
from services.runtime.troubles import DATABASE_AWAY, Trouble
from services.scheduling import timezones
from services.system import System
from services.task_types import loading
from settings import ConfigurationError, Settings

ROOT = Path(__file__).parent
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
DATABASE_REST_SECONDS = 1.0
SHUTDOWN_NOTICE_SECONDS = 1.0
CLOSING_SECONDS = 2.0
IDLE_WAKE_MILLISECONDS = 100
STOPPED_WITHIN_MILLISECONDS = 500
LAST_SECONDS = 1.0
AUTOSCALE_MORE_GRACE_SECONDS = 10.0
_BUCKET_FOR_SEVERAL_HOSTS = (
    "Uploads are stored in DATA_DIR/files, where only processes that share this folder find them. "
    "On several hosts set AWS_STORAGE_BUCKET_NAME."
)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help=__doc__.splitlines()[0],
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
log = structlog.get_logger()


@app.callback()
def begin() -> None:
    """Make what all commands share."""
    timezones.pin()


@app.command()
def serve() -> None:
    """Serve everything from one process, on SQLite and an in-process broker."""
    signals.obey(0)
    with _plain_faults():
        settings = _embedded_settings()
        from processes import embedded  # noqa: PLC0415  the API is half of a start: only who serves it waits for it

        with trial_receiver.for_callbacks(settings) as complete:
            embedded.serve(complete, _greet)


@app.command()
def demo() -> None:
    """Run one job of each kind to its end and say what happened."""
    with _plain_faults():
        settings = _embedded_settings()
        sys.exit(demonstration.on_one_process(settings, [sys.executable, str(ROOT / "cli.py"), "serve"]))


@app.command()
def services(what: str = typer.Argument("", help="`demo` to show one job of each kind, then stop")) -> None:
    """Run the Procfile's processes, on the servers that are named or on private ones."""
    with _plain_faults():
        environment = _environment()
        if what not in ("", "demo"):
            raise ConfigurationError(f"services knows `demo` or nothing, not `{what}`.")
        if what == "demo":
            environment = {"LOG_LEVEL": "WARNING", **environment}  # the table is what is to be seen
        settings = configuration.load(environment)
        _refuse_wrong_urls(settings)  # else each process would say the same, again and again
        with stack.running(ROOT, environment, settings) as running:
            if what == "demo":
                sys.exit(demonstration.on(running.url, running.receiver_folder, environment.get("INTERNAL_SECRET")))
            running.wait_for_signal()


@app.command()
def web() -> None:
    """Serve the HTTP API."""
    with _process("web") as (settings, system, broker, stopping):
        from api.app import create_app  # noqa: PLC0415  as in `serve`
        from processes.web import WebServer  # noqa: PLC0415

        probe = BrokerProbe(_carrier(broker))

        def troubles() -> list[Trouble]:
            return [*probe.troubles(), *spool.troubles(settings)]

        api = create_app(system, probe.is_up, stopping, troubles)
        if settings.aws_storage_bucket_name is None:
            log.warning("uploads_without_bucket", remedy=_BUCKET_FOR_SEVERAL_HOSTS)
        sweeper = Sweeper(system)
        sweeper.start()

        def drain() -> None:
            threading.Thread(target=sweeper.stop, daemon=True).start()
            threading.Event().wait(SHUTDOWN_NOTICE_SECONDS)  # let the balancer see /readyz before the socket closes

        WebServer(api, settings, stopping=stopping, drain=drain, on_ready=lambda: log.info("serving")).run()
        probe.stop()


@app.command()
def worker() -> None:
    """Execute runs."""
    with _process("worker") as (settings, system, broker, stopping):
        run_worker = RunWorker(system, broker, stopping)
        stop = StopSignals(stopping, run_worker.hurry)
        with endpoint(settings, stopping, lambda: [*_troubles(broker), *database_retry.troubles.present()]):
            run_worker.start()
            log.info("executing_runs", threads=settings.worker_threads)
            stop.wait()
            run_worker.finish()
            signals.end_within(CLOSING_SECONDS)
            run_worker.stop()


@app.command()
def coordinator() -> None:
    """Plan, dispatch, rescue and prune."""
    with _process("coordinator") as (settings, system, broker, stopping):
        loops = Coordinator(system, _carrier(broker))
        beats.declare(broker, loops.beat)
        consumer = dramatiq.Worker(
            broker, queues={brokers.BEATS}, worker_threads=1, worker_timeout=IDLE_WAKE_MILLISECONDS
        )
        stop = StopSignals(stopping)
        with endpoint(settings, stopping, lambda: [*_troubles(broker), *loops.troubles()]):
            loops.start()
            consumer.start()
            log.info("coordinating")
            stop.wait()
            signals.end_within(CLOSING_SECONDS)
            loops.stop()
            consumer.stop(timeout=STOPPED_WITHIN_MILLISECONDS)


@app.command()
def periodic() -> None:
    """Send a beat each minute."""
    signals.obey(0)
    with _plain_faults():
        settings = _services_settings()
        logs.configure(settings.log_level)
        stopping = threading.Event()
        broker = brokers.build(settings, "periodic", beats.HEARTBEAT_SECONDS)
        scheduler = beats.Beats(beats.declare(broker, lambda: None), _carrier(broker).troubles)
        stop = StopSignals(stopping)

        def end() -> None:
            stop.wait()
            signals.end_within(CLOSING_SECONDS)
            scheduler.stop()

        threading.Thread(target=end, name="end", daemon=True).start()
        with endpoint(settings, stopping, lambda: _troubles(broker)):
            scheduler.run()
        broker.close()
        log.info("stopped")
        signals.end_now()


@app.command()
def autoscale(
    *, dry_run: bool = typer.Option(False, "--dry-run", help="say what would be done, and start nothing")
) -> None:
    """Keep one to five workers running: one more while over ten runs wait, one less when nothing does."""
    with _plain_faults():
        settings = _services_settings()
        queues = scaling.Queues(settings.rabbitmq_url or "", settings.management_url, brokers.RUNS)
        grace = settings.shutdown_grace_seconds + AUTOSCALE_MORE_GRACE_SECONDS
        workers = scaling.ImaginedWorkers() if dry_run else scaling.WorkerProcesses(ROOT, _environment(), grace)
        stopping = threading.Event()
        stop = StopSignals(stopping)
        autoscaler = scaling.Autoscaler(queues.load, workers, scaling.printer(sys.stdout, dry_run=dry_run))
        looking = threading.Thread(target=autoscaler.run, args=(stopping,), name="autoscale")
        looking.start()
        stop.wait()
        looking.join()


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    with _plain_faults():
        settings = configuration.load(_environment())
        database.connect(settings.database, "migrate")
        for name in runner.upgrade():
            typer.echo(f"applied {name}")


@contextmanager
def _process(name: str) -> Iterator[tuple[Settings, System, dramatiq.Broker, threading.Event]]:
    """What each process of the services mode stands on, set up in order and taken down after it."""
    signals.obey(0)
    with _plain_faults():
        settings = _services_settings()
        logs.configure(settings.log_level)
        _warn(settings)
        faults.arm(settings.fault_points)
        database.connect(settings.database, name)
        _wait_for_database()
        clock = DatabaseClock()
        clock.keep_following(settings.heartbeat_seconds)
        broker = brokers.build(settings, name)
        doorbell = BrokerDoorbell(broker, clock)
        doorbell.start()
        try:
            yield settings, System(settings, clock, doorbell), broker, threading.Event()
        finally:
            signals.end_within(LAST_SECONDS)
            doorbell.close(timeout_seconds=2)
            broker.close()
            database.disconnect()
            log.info("stopped")
        signals.end_now()


def _wait_for_database() -> None:
    """Wait until the database answers and has the newest schema, saying so."""
    rest = threading.Event()
    said = False
    while True:
        try:
            runner.upgrade()
        except DatabaseUnavailable as error:
            if not said:
                log.warning("waiting_for_database", error=str(error), remedy=DATABASE_AWAY.remedy)
            said = True
            rest.wait(DATABASE_REST_SECONDS)
        else:
            return


def _warn(settings: Settings) -> None:
    """Say what is no fault for every installation, and yet likely one."""
    if settings.public_url is None and settings.host in EVERYWHERE:
        log.warning(
            "public_url_is_not_set",
            detail=f"receivers and links are told {settings.address}, which leads nowhere: set PUBLIC_URL",
        )


def _troubles(broker: dramatiq.Broker) -> list[Trouble]:
    return _carrier(broker).troubles.present()


def _carrier(broker: dramatiq.Broker) -> brokers.RabbitBroker | brokers.InProcessBroker:
    if not isinstance(broker, brokers.RabbitBroker | brokers.InProcessBroker):
        raise TypeError(f"{broker!r} is no broker of ours")
    return broker


def _greet(settings: Settings) -> None:
    url = f"http://{settings.host}:{settings.port}"
    typer.echo(
        f"Carillon serves {url} (API: {url}/swagger/, data: {settings.data_dir}).\n"
        f"Callbacks go to {settings.callback_base_url}. A first job:\n\n"
        f"  curl -s {url}/api/jobs/create -H 'Content-Type: application/json' -d '"
        '{"app_name": "app_a", "user_id": "user1", "account_id": "acc1", "task_type": "hello", '
        '"schedule": {"type": "immediate"}, "data": {"some_key": "some_value"}}'
        "'\n",
        nl=True,
    )


def _embedded_settings() -> Settings:
    settings = _loaded_settings()
    logs.configure(settings.log_level)
    _warn(settings)
    if not settings.embedded:
        raise ConfigurationError("RABBITMQ_URL is set: that is the services mode. Use ./run services, or unset it.")
    return settings


def _services_settings() -> Settings:
    settings = _loaded_settings()
    if settings.embedded:
        raise ConfigurationError("This process needs DATABASE_URL=postgresql://... and RABBITMQ_URL=amqp://....")
    return settings


def _loaded_settings() -> Settings:
    """The settings, after the kinds of task that they name have been registered."""
    settings = configuration.load(_environment())
    _refuse_wrong_urls(settings)
    loading.load(settings)
    return settings


def _refuse_wrong_urls(settings: Settings) -> None:
    """Say what libpq and pika would not take, before anything is asked of a server."""
    of_broker = [] if settings.rabbitmq_url is None else broker_url.faults(settings.rabbitmq_url)
    if lines := [*database.faults_of(settings.database), *of_broker]:
        raise ConfigurationError("\n".join(lines))


def _environment() -> dict[str, str]:
    """The environment over what `.env` says; a variable that is empty says nothing."""
    try:
        from_file = dotenv.dotenv_values(ROOT / ".env")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{ROOT / '.env'} cannot be read: {error}.") from None
    said = {name: value for name, value in os.environ.items() if value.strip()}
    return {**{name: value for name, value in from_file.items() if value is not None}, **said}


@contextmanager
def _plain_faults() -> Iterator[None]:
    """Say in one line each what is wrong with the configuration, and exit with 2."""
    try:
        yield
    except (Misconfigured, LocalServerError, DatabaseUnavailable) as error:
        typer.echo(str(error), err=True)
        sys.exit(2)


commands.add_to(app)

if __name__ == "__main__":
    with endings.plain(sys.argv[1:]), _plain_faults():
        app(prog_name="carillon", obj=_environment())
