"""One at a time per tracking server, whichever worker: an advisory lock of PostgreSQL, gone with its connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from registry.models import TrackingServer

READING = 0x4D4C  # "ML": the first of the two numbers of the lock; the second is the key of the server


@contextmanager
def alone(server: TrackingServer, *, patience_seconds: float = 0) -> Iterator[bool]:
    """True when nobody else reads or writes `server` until the block ends; False when somebody still did."""
    until = time.monotonic() + patience_seconds
    while not (mine := _ask("pg_try_advisory_lock", server)) and time.monotonic() < until:
        time.sleep(0.1)
    try:
        yield mine
    finally:
        if mine and connection.connection and not connection.connection.closed:
            _ask("pg_advisory_unlock", server)


def _ask(function: str, server: TrackingServer) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [READING, server.pk])
        return bool(cursor.fetchone()[0])
