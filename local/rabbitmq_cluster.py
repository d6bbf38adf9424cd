"""Three RabbitMQ nodes of one's own that form a cluster, each on loopback ports of its own."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from local import install, ports
from local.rabbitmq import Cluster, PrivateRabbit
from processes import programs

NODES = 3


class PrivateRabbitCluster:
    """A cluster in one folder for the block; its nodes may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "epmd.log"
        port = ports.remembered(folder / "ports.json", ["epmd"])["epmd"]
        names = tuple(f"carillon{number}@localhost" for number in range(NODES))
        self._cluster = Cluster(names, port, secrets.token_hex(20))
        self.nodes = [PrivateRabbit(folder / f"node-{number}", self._cluster, number) for number in range(NODES)]
        self._name_server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Returns the addresses of all nodes, with commas between, as RABBITMQ_URL takes them."""
        return ",".join(node.url for node in self.nodes)

    @property
    def management_url(self) -> str:
        """Returns the address of the first node's management API."""
        return self.nodes[0].management_url

    def __enter__(self) -> Self:
        install.ensure("rabbitmq")
        environment = {"ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self._cluster.name_server_port)}
        with self._log.open("ab") as log:
            epmd = shutil.which("epmd") or "epmd"
            self._name_server = programs.spawn([epmd], output=log, environment=environment)
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(PrivateRabbit.start, self.nodes))
        return self

    def __exit__(self, *_: object) -> None:
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(PrivateRabbit.kill, self.nodes))
        if self._name_server is not None:
            programs.end(self._name_server, by=signal.SIGTERM, grace_seconds=5)
