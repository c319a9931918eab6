"""Processor time, which a busy machine does not stretch as it stretches the time on the clock."""

from __future__ import annotations

import contextlib
import time

from django.db import connection


def database() -> float:
    """Processor seconds of the server process behind the connection; 0 where it runs on another machine.

    Linux numbers the processor clock of process p as ~p << 3 | 2 (clock_getcpuclockid(3)).
    """
    with contextlib.suppress(OSError):
        return time.clock_gettime(~connection.connection.info.backend_pid << 3 | 2)
    return 0.0
