"""A migrated database that is made once and then copied: copying it takes a moment, migrating one a quarter of a minute.

It is called after the digest of whatever decides what stands in it, so a changed migration gets a new one, and the old
ones go. Django still runs `migrate` on every copy: a migration that the template lacks would be run there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings
from psycopg import sql

PROJECT = Path(__file__).resolve().parent.parent
FLOORS = ("registry", "governance", "audit")
FOREIGN = ("django", "django-guardian", "django-otp")  # ... whose applications have tables too
START = "cardinal_migrated_"
LOCK = 7_267_435  # an advisory lock of ours in the maintenance database: one worker migrates, the others wait


def name() -> str:
    """What the template of these migrations is called."""
    digest = hashlib.sha256()
    for package in FOREIGN:
        digest.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    for file in sorted(file for floor in FLOORS for file in (PROJECT / floor / "migrations").glob("*.py")):
        digest.update(f"{file.parent.parent.name}/{file.name}\n".encode() + file.read_bytes())
    return START + digest.hexdigest()[:16]


def made() -> str:
    """The name of the template, which is migrated now unless it is there."""
    wanted = name()
    with _alone() as server:
        known = {str(row[0]) for row in server.execute("SELECT datname FROM pg_database")}
        if wanted not in known:
            for old in (one for one in known if one.startswith(START)):
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
            _migrate(server, wanted)
    return wanted


def _migrate(server: psycopg.Connection[Any], wanted: str) -> None:
    """Under another name until it is whole, so that a killed run leaves nothing that looks done."""
    growing = f"{START}growing"  # what a killed run has left of it was dropped by our caller
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(growing)))
    environment = os.environ | {
        "DATABASE_URL": address(growing),
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "TOKEN_PEPPER": settings.TOKEN_PEPPER,
    }
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=300)
    server.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(growing), sql.Identifier(wanted))
    )


@contextmanager
def _alone() -> Iterator[psycopg.Connection[Any]]:
    """A connection to the maintenance database, with the lock until it is closed."""
    with psycopg.connect(address("postgres"), autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield server


def address(database: str) -> str:
    """The address of another database of the server that the settings name."""
    now = settings.DATABASES["default"]
    password = f":{quote(now['PASSWORD'], safe='')}" if now["PASSWORD"] else ""
    host, port = quote(now["HOST"], safe=""), f":{now['PORT']}" if now["PORT"] else ""
    return f"postgresql://{now['USER']}{password}@{host}{port}/{database}"
