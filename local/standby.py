"""A standby of a private PostgreSQL server: copied from it, following it, promoted when it is told to."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from local import install
from local.postgres import PrivatePostgres
from processes import programs


class PrivateStandby(PrivatePostgres):
    """A private server that begins as a copy of another one, and follows it until it is promoted."""

    def __init__(self, primary: PrivatePostgres, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(primary.folder / "password", folder / "password")  # users and passwords are the primary's
        self._primary = primary
        super().__init__(folder, durable=True)
        if self._owner is not None:
            shutil.chown(folder / "password", self._owner)

    def create_database(self, name: str) -> str:
        """Returns the URL of a database; a standby has those of its primary."""
        return self._url_of(name)

    def promote(self) -> None:
        """Make it a primary, and return when it is."""
        done = subprocess.run(
            [str(install.ensure("postgresql") / "pg_ctl"), "promote", "--wait", "-D", str(self._data)],
            capture_output=True,
            text=True,
            check=False,
            user=self._owner,
            cwd=self.folder,
        )
        if done.returncode:
            raise programs.ProgramError(f"pg_ctl promote failed:\n{done.stdout}{done.stderr}")

    def _initialise(self, installed: Path) -> None:
        """Copy the primary; its write-ahead log is streamed meanwhile and from then on."""
        address = urlsplit(self._primary.url)
        source = f"host=127.0.0.1 port={address.port} user={address.username} password={address.password}"
        command = [str(installed / "pg_basebackup"), "-D", str(self._data), "-R", "-X", "stream", "-c", "fast"]
        with self._log.open("ab") as log:
            process = programs.spawn(
                [*command, "-d", f"{source} application_name=standby"],
                output=log,
                folder=self.folder,
                user=self._owner,
                last_signal=signal.SIGTERM,
            )
        if process.wait():
            raise programs.ProgramError(f"pg_basebackup failed:\n{self._log.read_text(errors='replace')}")
