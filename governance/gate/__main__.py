"""`python -m governance.gate`: the gate on GATE_PORT, with GATE_WORKERS processes."""

from __future__ import annotations

import os
import sys
import tempfile

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
    return Gate(from_settings())


def main() -> int:
    """Serves until told to end; then answers what is under way and stores its decisions."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "governance.settings")
    from django.core.exceptions import ImproperlyConfigured

    from governance.embedded import Unavailable

    try:
        from django.conf import settings
        from granian import Granian
        from granian.constants import HTTPModes, Interfaces

        from governance.gate.metrics import FOLDER
        from governance.settings import number, text

        server = Granian(
            "governance.gate.__main__:application",
            factory=True,
            address=text("GATE_HOST", "127.0.0.1"),
            port=settings.GATE_PORT,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
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
