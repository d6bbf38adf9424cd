"""A RabbitMQ node of one's own, in one folder, on loopback ports."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from local import install, ports, starting
from processes import programs

USER = PASSWORD = "guest"  # noqa: S105  what every RabbitMQ begins with, and lets in from loopback only
_WATERMARK = 0.6
GREETING = b"AMQP\x00\x00\x09\x01"


@dataclass(frozen=True)
class Cluster:
    """The nodes of one cluster: their names, the port of their common name server, and the secret that they share."""

    names: tuple[str, ...]
    name_server_port: int
    cookie: str

    def settings(self) -> dict[str, object]:
        """Returns the settings by which each node finds the others when it starts for the first time."""
        nodes = {
            f"cluster_formation.classic_config.nodes.{number}": name for number, name in enumerate(self.names, start=1)
        }
        return {"cluster_formation.peer_discovery_backend": "classic_config", **nodes}


class PrivateRabbit:
    """A private node: same folder, same queues, same ports, from one start to the next.

    Without a folder it lives in a temporary one that `close` removes. Every method may be called in
    any state; `stop`, `kill` and `close` return when no process is left.
    """

    def __init__(self, folder: Path | None = None, cluster: Cluster | None = None, number: int = 0) -> None:
        self._temporary = folder is None
        self._cluster = cluster
        self._name = "carillon@localhost" if cluster is None else cluster.names[number]
        self.folder = (folder or Path(tempfile.mkdtemp(prefix="carillon-rabbitmq-"))).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self.folder / "rabbitmq.log"
        self._ports = ports.remembered(self.folder / "ports.json", ["amqp", "management", "epmd", "peers"])
        if cluster is not None:
            self._ports["epmd"] = cluster.name_server_port
        self.port = self._ports["amqp"]
        self._node: subprocess.Popen[bytes] | None = None
        self._name_server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}/"

    @property
    def management_url(self) -> str:
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self._ports['management']}"

    @property
    def pid(self) -> int | None:
        """Returns the node's process id while it runs."""
        return self._node.pid if self._node and self._node.poll() is None else None

    def start(self) -> None:
        """Start the node, and wait until it greets AMQP clients and its management API answers."""
        if self.pid:
            return
        installed = install.ensure("rabbitmq")
        environment = self._environment()
        self._write_configuration()
        with self._log.open("ab") as log:
            self._start_name_server(environment, log.fileno())
            self._node = programs.spawn(
                [str(installed / "rabbitmq-server")],
                output=log,
                folder=self.folder,
                environment=environment,
            )
        starting.wait_until_ready(self._answers, self._node, self._log)

    def stop(self) -> None:
        """Shut down in order: connections are closed, queues are written."""
        self.thaw()
        if self._node:
            programs.end(self._node, by=signal.SIGTERM, grace_seconds=150)
        self._stop_name_server()

    def kill(self) -> None:
        """Kill the node at once, as if the power had failed."""
        if self._node:
            programs.kill_family(self._node)
        self._stop_name_server()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Freeze the node: connections stay open and nothing answers."""
        if self.pid:
            os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen node."""
        if self.pid:
            os.kill(self.pid, signal.SIGCONT)

    def raise_memory_alarm(self) -> None:
        """Make the node believe that its memory is used up: it blocks every connection that publishes."""
        self._set_watermark(0)

    def end_memory_alarm(self) -> None:
        """Give the node its usual memory again."""
        self._set_watermark(_WATERMARK)

    def create_vhost(self, name: str) -> str:
        """Create the virtual host if there is none of this name. Returns its AMQP URL."""
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        vhost = quote(name, safe="")
        self._call("PUT", f"/api/vhosts/{vhost}", {})
        self._call("PUT", f"/api/permissions/{vhost}/{USER}", everything)
        return self.url + vhost

    def close(self) -> None:
        """Stop, and remove the folder if it is a temporary one."""
        if self._temporary:
            self.kill()  # an orderly stop would take six seconds, for data that is not needed
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _set_watermark(self, share: float) -> None:
        command = [str(install.ensure("rabbitmq") / "rabbitmqctl"), "--node", self._name]
        with self._log.open("ab") as log:
            subprocess.run(
                [*command, "set_vm_memory_high_watermark", str(share)],
                env=self._environment(),
                stdout=log,
                stderr=log,
                check=True,
            )

    def _start_name_server(self, environment: dict[str, str], log: int) -> None:
        """Start Erlang's name server (epmd) for this node alone: a shared one would outlive us.

        For a cluster, the cluster's owner starts it.
        """
        if self._cluster is not None:
            return
        if self._name_server is None or self._name_server.poll() is not None:
            epmd = shutil.which("epmd") or "epmd"
            self._name_server = programs.spawn([epmd], output=log, environment=environment)

    def _stop_name_server(self) -> None:
        if self._name_server:
            programs.end(self._name_server, by=signal.SIGTERM, grace_seconds=5)

    def _write_configuration(self) -> None:
        settings: dict[str, object] = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "management.tcp.ip": "127.0.0.1",
            "management.tcp.port": self._ports["management"],
            "disk_free_limit.absolute": "10MB",  # small disks should not block publishers
            "vm_memory_high_watermark.relative": _WATERMARK,
            "log.console": "true",
            "log.console.level": "warning",
            "log.file": "false",
        }
        if self._cluster is not None:
            settings |= self._cluster.settings()
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        (self.folder / "rabbitmq.conf").write_text("".join(lines))
        (self.folder / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.folder / "rabbitmq-env.conf").touch()
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            cookie.touch(mode=0o600)
            cookie.write_text(secrets.token_hex(20) if self._cluster is None else self._cluster.cookie)

    def _environment(self) -> dict[str, str]:
        """Everything inside the folder, everything on loopback, nothing from the machine's own node."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RABBITMQ_", "ERL_")) and name != "NOTIFY_SOCKET"
        }
        return {
            **kept,
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._ports["epmd"]),
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._ports["peers"]),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "config"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # RabbitMQ's "none" makes each of a thousand modules wait for a sleeping processor: 6 s, not 3.
            "RABBITMQ_SCHEDULER_BUSY_WAIT_THRESHOLD": "short",
            "RUNNING_UNDER_SYSTEMD": "true",  # the script then becomes the node, so its id is the node's
        }

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(GREETING)
                if connection.recv(1) != b"\x01":  # a method frame: Connection.Start
                    return False
            self._call("GET", "/api/vhosts", None)
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _call(self, method: str, path: str, body: object) -> None:
        credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._ports['management']}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
            method=method,
        )
        # The environment may name a proxy, which cannot reach our loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.closing(opener.open(request, timeout=30)):
            pass
