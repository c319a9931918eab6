"""`python -m governance.gate`: the gate on GATE_PORT, with GATE_WORKERS processes."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uvicorn import Config

    from governance.gate.app import Gate

GARBAGE = 20_000  # new objects between two looks for cycles
FAREWELL = 10  # seconds for what is under way when the gate is told to end
BACKLOG = 4096

# The server's own few lines, in the form of all others.
LINES = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
            "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
        }
    },
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {"uvicorn": {"handlers": ["lines"], "level": "WARNING", "propagate": False}},
}


def application() -> Gate:
    """Each worker's own application. Called by the server, inside the worker.

    It takes Django's settings and their log, and no more of Django: applications and models would triple the time until
    it is ready, and double its memory.
    """
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.utils.log import configure_logging
    from uvicorn.config import STARTUP_FAILURE

    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    from governance.gate import logs, traces
    from governance.gate.app import Gate
    from governance.gate.configuration import from_settings

    logs.install()
    gate = Gate(from_settings())
    try:
        gate.follower = traces.follow(gate)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(STARTUP_FAILURE)  # which the supervisor understands: to start it again would change nothing
    # What has been loaded so far stays for good. To look through it again and again for cycles would stop every query for as
    # long; what queries leave behind is looked through as before, in larger portions.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 50)
    return gate


def main(worker: str = "governance.gate.__main__:application") -> int:
    """Serves until told to end; then answers what is under way and stores its decisions. `worker` makes the application."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.exceptions import ImproperlyConfigured

    from governance.embedded import Unavailable

    try:
        from django.conf import settings

        from governance.gate.configuration import from_settings
        from governance.gate.metrics import FOLDER
        from governance.settings import text

        wanted = from_settings()  # what is wrong there is said once and ends here, not in each worker again
        host, port = text("GATE_HOST", "127.0.0.1"), settings.GATE_PORT
    except (ImproperlyConfigured, Unavailable) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors import Multiprocess

    server = _server(worker, host, port, wanted.workers)
    with tempfile.TemporaryDirectory(prefix="cardinal-gate-") as folder:
        os.environ[FOLDER] = folder  # the workers inherit it
        supervisor = Multiprocess(server, [server.bind_socket()])
        supervisor.run()
    return int(any(one.exitcode == STARTUP_FAILURE for one in supervisor.processes))


def _server(worker: str, host: str, port: int, workers: int) -> Config:
    from uvicorn import Config

    return Config(
        worker,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http="governance.gate.connection:Connection",
        ws="none",
        loop="uvloop",
        lifespan="on",
        interface="asgi3",
        backlog=BACKLOG,
        log_config=LINES,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=FAREWELL,
    )


if __name__ == "__main__":
    sys.exit(main())
