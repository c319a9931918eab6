"""What the gate is told by the environment, once, at the start."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from governance.gate import credentials, fronts
from governance.gate.credentials import Credential
from governance.gate.logs import ALL, NONE, REFUSED
from governance.gate.metrics import FOLDER
from governance.gate.origin import Networks
from governance.settings import listing, number, text

# A peer that fell silent is given up by the kernel, so that no connection stays stuck for good.
LIVELINESS = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
    "application_name": "cardinal-gate",
}
SPARE_FILES = 128  # descriptors that are kept for the database, Redis and logs
NAMES = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


@dataclass(frozen=True)
class Configuration:
    """Limits are upper bounds of what one query may cost; times in seconds."""

    database: Mapping[str, Any] = field(repr=False)
    peppers: Sequence[str] = field(repr=False)
    redis: str = field(repr=False)
    trusted_proxies: Networks = ()
    front: str = fronts.ANY
    connections: int = 8
    workers: int = 1
    callers: int = 4096  # connections at once, per worker
    unknown_tokens: int = 60  # from one network within a minute
    body_limit: int = 16_777_216
    database_patience: float = 1.0
    journal_patience: float = 2.0
    redis_patience: float = 0.5
    upstream_timeout: float = 60.0  # until a model server begins to answer
    upstream_silence: float = 60.0  # between two parts of its answer
    upstream_calls: int = 64  # under way at one model server, per worker
    body_patience: float = 300.0  # for the whole body of one query
    json_limit: int = 1_048_576  # bytes of a body that names its model
    json_memory: int = 67_108_864  # bytes of all such bodies held at once, per worker
    credentials: Mapping[str, Credential] = field(default_factory=dict, repr=False)
    log_decisions: str = REFUSED
    metrics_folder: str = ""  # where the workers of one gate put their counts together


def from_settings() -> Configuration:
    """The configuration of this process: Django's settings, and GATE_* of the environment."""
    return Configuration(
        database=database(settings.DATABASES["default"]),
        peppers=settings.TOKEN_PEPPERS,
        redis=settings.REDIS_URL,
        trusted_proxies=settings.TRUSTED_PROXIES,
        front=front(text("GATE_FRONT", fronts.ANY)),
        connections=number("GATE_CONNECTIONS", 8, low=1, high=100),
        workers=number("GATE_WORKERS", 1, low=1, high=64),
        callers=callers(number("GATE_CALLERS", 4096, low=1, high=100_000)),
        unknown_tokens=number("GATE_UNKNOWN_TOKENS", 60, low=1, high=1_000_000),
        body_limit=number("GATE_BODY_LIMIT", 16_777_216, low=1, high=1_073_741_824),
        upstream_timeout=float(number("GATE_UPSTREAM_TIMEOUT", 60, low=1, high=3600)),
        upstream_silence=float(number("GATE_UPSTREAM_SILENCE", 60, low=1, high=3600)),
        upstream_calls=number("GATE_UPSTREAM_CALLS", 64, low=1, high=10_000),
        body_patience=float(number("GATE_BODY_TIMEOUT", 300, low=1, high=86_400)),
        json_limit=number("GATE_JSON_LIMIT", 1_048_576, low=1, high=67_108_864),
        json_memory=number("GATE_JSON_MEMORY", 67_108_864, low=1_048_576, high=8_589_934_592),
        credentials=credentials.from_environment(listing("GATE_CREDENTIALS", ""), text),
        log_decisions=_one_of("GATE_LOG_DECISIONS", REFUSED, (NONE, REFUSED, ALL)),
        metrics_folder=os.environ.get(FOLDER, ""),
    )


def callers(wanted: int) -> int:
    """How many connections at once one worker holds: no more than half of what the system lets it open.

    The other half is for the model servers behind. Who comes when all places are taken waits; a silent or dripping caller
    loses theirs after ten seconds.
    """
    needed = 2 * wanted + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # What is usual is little, and may be raised up to the hard limit.
    if resource.RLIM_INFINITY != soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else max(1, min(wanted, (soft - SPARE_FILES) // 2))


def front(name: str) -> str:
    """The one whose contract counts at /check, or `any`."""
    if name not in fronts.FRONTS:
        raise ImproperlyConfigured(f"GATE_FRONT must be one of {', '.join(fronts.FRONTS)}, not {name!r}.")
    return name


def _one_of(name: str, default: str, known: Sequence[str]) -> str:
    value = os.environ.get(name, default)
    if value not in known:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def database(described: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters for the driver from a database as Django's settings describe it."""
    found = {ours: described[theirs] for theirs, ours in NAMES.items() if described.get(theirs)}
    options = {
        name: value
        for name, value in described.get("OPTIONS", {}).items()
        if name not in ("pool", "server_side_binding")
    }
    return {**LIVELINESS, **options, **found}
