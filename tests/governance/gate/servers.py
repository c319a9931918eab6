"""Databases that belong to a test: a copy on the server of all tests, or a PostgreSQL of its own, which may be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from django.conf import settings
from django.db import connection
from psycopg import sql

from governance.embedded.account import Account, choose
from governance.embedded.places import has_ended, listens
from governance.embedded.postgres import SOCKET, programs
from tests import template
from tests.governance.gate.conftest import Running

# As the embedded one, but small, durable whatever the tests' own server is, and with little to spare on a small disk.
CONFIGURATION = """\
listen_addresses = '{listen}'
unix_socket_directories = '"{sockets}"'
max_connections = 80
shared_buffers = 32MB
min_wal_size = 2MB
max_wal_size = 16MB
fsync = on
synchronous_commit = on
full_page_writes = on
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
default_text_search_config = 'pg_catalog.english'
"""
AUTHENTICATION = "local all all trust\nhost all all {network} trust\n"
NOBODY = "127.0.0.1/32"


class Postgres:
    """A server of its own under `place`: fsync on, a socket of its own, killed and started as a test likes."""

    def __init__(self, place: Path, *, listen: str = "", network: str = NOBODY) -> None:
        self.place, self.data, self.sockets = place, place / "data", place / "s"
        self.listen, self.network = listen, network
        self.account: Account = choose(programs() / "postgres", place)
        self.host = quote(str(self.sockets), safe="")

    def make(self) -> None:
        """A cluster with a copy of the migrated database in it."""
        self.sockets.mkdir(mode=0o700)
        self.account.own(self.sockets)
        self._run(
            "initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--wal-segsize=1", "--no-instructions", "--no-sync",
        )  # fmt: skip
        text = CONFIGURATION.format(listen=self.listen, sockets=str(self.sockets))
        for name, content in {
            "postgresql.conf": text,
            "pg_hba.conf": AUTHENTICATION.format(network=self.network),
        }.items():
            (self.data / name).write_text(content)
            self.account.own(self.data / name)

    def fill(self) -> None:
        """Copies the migrated database here."""
        with psycopg.connect(self.address("postgres", "postgres"), autocommit=True) as server:
            server.execute("CREATE ROLE cardinal LOGIN")
            server.execute("CREATE DATABASE cardinal OWNER cardinal")
        dump = [str(programs() / "pg_dump"), "--no-owner", template.address(template.made())]
        load = [str(programs() / "psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.address()]
        with subprocess.Popen(dump, stdout=subprocess.PIPE) as told:
            subprocess.run(load, stdin=told.stdout, stdout=subprocess.DEVNULL, check=True, timeout=120)
        assert told.returncode == 0

    def address(self, database: str = "cardinal", user: str = "cardinal") -> str:
        """Where it is, by its socket."""
        return f"postgresql://{user}@{self.host}/{database}"

    def start(self) -> None:
        """Starts it, with crash recovery where it was killed."""
        log = self.place / "server.log"
        log.touch()
        self.account.own(log)
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self.data), "-l", str(log))

    def processes(self) -> list[psutil.Process]:
        """The postmaster and its children; none when it does not run."""
        try:
            head = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
            if head.name() != "postgres" or not Path(head.cwd()).samefile(self.data):
                return []
            return [head, *head.children(recursive=True)]
        except (OSError, ValueError, IndexError, psutil.Error):
            return []

    def backends(self) -> list[psutil.Process]:
        """Those that serve somebody."""
        return [one for one in self.processes() if "cardinal cardinal" in " ".join(_words(one))]

    def kill(self) -> None:
        """SIGKILL to all of it, as a machine would lose it."""
        found = self.processes()
        for one in found:
            _send(one, signal.SIGKILL)
        assert all(has_ended(one.pid, 10) for one in found)

    def stop(self) -> None:
        """Ends it at once."""
        found = self.processes()
        for one in found:
            _send(one, signal.SIGCONT)
        if found:
            _send(found[0], signal.SIGQUIT)
            if not all(has_ended(one.pid, 5) for one in found):
                self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP to all of it: connections stay open, nothing answers."""
        found = self.processes()
        for one in found:
            _send(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in found:
                _send(one, signal.SIGCONT)

    def is_up(self) -> bool:
        """Whether it takes connections."""
        return listens(self.sockets / SOCKET)

    def _run(self, program: str, *arguments: str) -> None:
        # A server that is started inherits the file: a pipe would be waited for until it ends.
        done = self.account.run([str(programs() / program), *arguments], timeout=90)
        assert done.returncode == 0, f"{program}: {done.stdout[-500:]}{done.stderr[-1500:]}"


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@contextmanager
def mounted(place: Path, megabytes: int) -> Iterator[bool]:
    """A small disk at `place`, where this account may mount one; whether it is one."""
    place.mkdir()
    may = os.geteuid() == 0 and shutil.which("mount") is not None
    small = may and not _mount("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", place)
    try:
        yield small
    finally:
        if small:
            for _ in range(50):  # the last process of a killed server may still stand in it
                if not _mount("umount", place):
                    break
                time.sleep(0.1)


def _mount(*command: object) -> int:
    return subprocess.run([str(word) for word in command], capture_output=True, check=False).returncode


@contextmanager
def copy(name: str) -> Iterator[str]:
    """The address of a new copy of the migrated database, on the server of all tests."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    database = f"cardinal_{name}_{worker}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    made = template.made()
    with psycopg.connect(template.address("postgres"), autocommit=True) as server:
        server.execute(drop)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(made))
        )
    try:
        yield template.address(database)
    finally:
        with psycopg.connect(template.address("postgres"), autocommit=True) as server:
            server.execute(drop)


@contextmanager
def inside(address: str) -> Iterator[None]:
    """The verbs and models of this thread work on the database at `address`, for as long as this lasts."""
    given = psycopg.conninfo.conninfo_to_dict(address)
    place = {
        "HOST": given["host"],
        "PORT": given.get("port") or "",
        "NAME": given["dbname"],
        "USER": given["user"],
        "PASSWORD": given.get("password") or "",
    }
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(place)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)


def started(*starts: Callable[[], Running]) -> list[Running]:
    """Gates that start at the same time; if one does not, none does."""
    with ThreadPoolExecutor(len(starts)) as crew:
        begun = [crew.submit(one) for one in starts]
    if failure := next((one.exception() for one in begun if one.exception()), None):
        for one in begun:
            if not one.exception():
                one.result().end()
        raise failure
    return [one.result() for one in begun]


def environment(address: str) -> dict[str, str]:
    """What puts a gate on the database at `address`."""
    return {
        "DATABASE_URL": address,
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "TOKEN_PEPPER": settings.TOKEN_PEPPER,
    }
