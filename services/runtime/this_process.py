"""What this process says of itself."""

from __future__ import annotations

import os
import socket
from datetime import datetime
from uuid import uuid4

from core.processes import ProcessIdentity, ProcessKind
from core.version import VERSION


def identity(kind: ProcessKind, started_at: datetime) -> ProcessIdentity:
    """Returns what this process, which is of a kind, says of itself."""
    return ProcessIdentity(uuid4(), kind, socket.gethostname(), os.getpid(), VERSION, started_at)
