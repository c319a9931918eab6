"""Where the embedded servers of one checkout live: their folder, their lock, their sockets, their secrets."""

import base64
import fcntl
import hashlib
import json
import os
import secrets as randomness
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
LONGEST_SOCKET = 103  # macOS allows 103 bytes, Linux 107
LOCK_PATIENCE = 180.0


class Unavailable(RuntimeError):
    """An embedded part cannot run; the message is one sentence that names the remedy."""


def var_dir() -> Path:
    """All that the running project writes lies under CARDINAL_VAR, or under var/ of the checkout."""
    return Path(os.environ.get("CARDINAL_VAR") or CHECKOUT / "var").expanduser().absolute()


def is_ephemeral() -> bool:
    """Tests may lose their data with the machine, so they need not wait for the disk."""
    return os.environ.get("CARDINAL_EPHEMERAL", "") not in ("", "0")


def unwritable(path: Path, error: OSError) -> Unavailable:
    """Says why a path cannot be written, and what to do."""
    reason = error.strerror or str(error)
    return Unavailable(
        f"{error.filename or path} cannot be written ({reason}): free or unlock it, "
        "or set CARDINAL_VAR to a folder that can be written."
    )


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One process at a time starts or stops the servers of one folder.

    The kernel drops the lock with its process, so a lock file left by a killed run never blocks.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(home / "embedded.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise unwritable(home, error) from error
    try:
        _wait_for_lock(descriptor, home)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, home: Path) -> None:
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Another process has been starting the embedded servers of {home} for three minutes: "
                    "end that process and try again."
                ) from None
            time.sleep(0.02)


def sockets(home: Path, uid: int) -> Path:
    """A short private folder for the sockets of `home`: a socket's path may not exceed about 100 bytes."""
    name = "cardinal-" + hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]
    candidates = [os.environ.get("XDG_RUNTIME_DIR") or "", tempfile.gettempdir(), "/tmp"]  # noqa: S108
    for parent in candidates:
        folder = Path(parent) / name
        if (
            parent
            and os.access(parent, os.W_OK)
            and len(os.fsencode(folder / ".s.PGSQL.5432")) <= LONGEST_SOCKET
        ):
            return _private(folder, uid)
    raise Unavailable("No folder for sockets can be written: set TMPDIR to a short path that can be written.")


def _private(folder: Path, uid: int) -> Path:
    """Nobody else may enter the folder, or have made it before us."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
            raise Unavailable(
                f"{folder} belongs to somebody else: remove it, or set TMPDIR to another folder."
            )
        folder.chmod(0o700)
        if found.st_uid != uid:
            os.chown(folder, uid, -1)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def listens(path: str | Path) -> bool:
    """A socket file proves nothing after a crash; an accepted connection does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def has_ended(number: int, patience: float) -> bool:
    """Waits for a process to end; one that only waits to be collected by its parent has ended."""
    import psutil

    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            if psutil.Process(number).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def recall(home: Path) -> dict[str, str]:
    """The sockets noted at the last start; nothing when there is no readable note."""
    try:
        noted = json.loads((home / "embedded.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(part): str(path) for part, path in noted.items()} if isinstance(noted, dict) else {}


def note(home: Path, known: dict[str, str]) -> None:
    """Notes the sockets for the next process, whole or not at all."""
    replace(home / "embedded.json", json.dumps(known))


def replace(path: Path, text: str) -> None:
    """Writes a private file so that a reader sees the old or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def secrets() -> dict[str, str]:
    """The secrets of this checkout: random, made once, readable by its owner only."""
    home = var_dir()
    path = home / "secrets.json"
    known = _read_secrets(path)
    if set(known) == set(SECRETS):
        return known
    with locked(home):
        known = _read_secrets(path)
        if set(known) != set(SECRETS):  # a checkout of before a secret was needed gets that one
            known = {name: make() for name, make in SECRETS.items()} | known
            replace(path, json.dumps(known))
    return known


def _long() -> str:
    return randomness.token_urlsafe(64)


def _fernet() -> str:
    return base64.urlsafe_b64encode(randomness.token_bytes(32)).decode()


SECRETS = {"SECRET_KEY": _long, "TOKEN_PEPPER": _long, "CREDENTIALS_KEY": _fernet}
OLDEST = ("SECRET_KEY", "TOKEN_PEPPER")  # in every file that was ever written


def _read_secrets(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text())
        return {name: str(known[name]) for name in SECRETS if name in OLDEST or name in known}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(
            f"{path} cannot be read as the secrets of this checkout: restore it, or remove it, "
            "which ends every session, voids every token and forgets the credentials of tracking servers."
        ) from error
