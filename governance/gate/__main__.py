"""`python -m governance.gate`: the gate on GATE_PORT, with GATE_WORKERS processes."""

from __future__ import annotations

import gc
import os
import resource
import sys
import tempfile

# Milliseconds for the head of a request, and of silence between two on one connection.
HEADER_PATIENCE = 10_000
HEAD_LIMIT = 65_536  # bytes of a head; a longer one is 431
GARBAGE = 20_000  # new objects between two looks for cycles
SPARE_FILES = 128  # descriptors that are kept for the database, Redis and logs

# The server's own few lines, in the form of all others.
LINES = {
    "()": "pythonjsonlogger.json.JsonFormatter",
    "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
    "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
}


def application() -> object:
    """Each worker's own application. Called by the server, inside the worker."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    django.setup(set_prefix=False)
    from governance.gate import logs
    from governance.gate.app import Gate
    from governance.gate.configuration import from_settings

    logs.install()
    gate = Gate(from_settings())
    # What has been loaded so far stays for good. To look through it again and again for cycles would stop every query for as
    # long; what queries leave behind is looked through as before, in larger portions.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)
    return gate


def callers(wanted: int) -> int:
    """How many connections at once one worker holds: no more than half of what the system lets it open.

    The other half is for the model servers behind. Who comes when all places are taken waits; a silent or dripping caller
    loses theirs after ten seconds.
    """
    needed = 2 * wanted + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if (
        resource.RLIM_INFINITY != soft < needed
    ):  # what is usual is little, and may be raised up to the hard limit
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, (soft - SPARE_FILES) // 2))


def main() -> int:
    """Serves until told to end; then answers what is under way and stores its decisions."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.exceptions import ImproperlyConfigured

    from governance.embedded import Unavailable

    try:
        from django.conf import settings
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings

        from governance.gate.configuration import from_settings
        from governance.gate.metrics import FOLDER
        from governance.settings import number, text

        from_settings()  # what is wrong there is said once and ends here, not in each worker again and again
        server = Granian(
            "governance.gate.__main__:application",
            factory=True,
            address=text("GATE_HOST", "127.0.0.1"),
            port=settings.GATE_PORT,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_PATIENCE, max_buffer_size=HEAD_LIMIT),
            backlog=4096,
            backpressure=callers(number("GATE_CALLERS", 4096, low=1, high=100_000)),
            websockets=False,
            workers=number("GATE_WORKERS", 1, low=1, high=64),
            log_access=False,
            log_dictconfig={"formatters": {"generic": LINES, "access": LINES}},
            respawn_failed_workers=True,
        )
    except (ImproperlyConfigured, Unavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with tempfile.TemporaryDirectory(prefix="cardinal-gate-") as folder:
        os.environ[FOLDER] = folder  # the workers inherit it
        server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
