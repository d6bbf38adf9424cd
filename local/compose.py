"""Docker Compose's PostgreSQL and RabbitMQ, for machines without programs of their own."""

from __future__ import annotations

import shutil
import subprocess

from processes.programs import ProgramError

ENGINE_SECONDS = 20


def answers() -> bool:
    """Whether a working container engine is there."""
    if shutil.which("docker") is None:
        return False
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=ENGINE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def up() -> tuple[str, str, str]:
    """Start both services. Returns the URLs of the database, the broker and the broker's management."""
    _compose("up", "-d", "--wait", "postgres", "rabbitmq")
    return (
        f"postgresql://carillon:carillon@{_address('postgres', 5432)}/carillon",
        f"amqp://guest:guest@{_address('rabbitmq', 5672)}/carillon",
        f"http://guest:guest@{_address('rabbitmq', 15672)}",
    )


def _address(service: str, port: int) -> str:
    published = _compose("port", service, str(port)).strip().splitlines()
    if not published or published[0].endswith(":0"):
        raise ProgramError(f"docker-compose.yml does not publish port {port} of {service}.")
    return f"127.0.0.1:{published[0].rpartition(':')[2]}"


def _compose(*arguments: str) -> str:
    done = subprocess.run(["docker", "compose", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProgramError(f"docker compose {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout
