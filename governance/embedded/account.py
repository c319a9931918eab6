"""Who runs the embedded servers: ourselves, or, as PostgreSQL refuses root, an account without rights."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from governance.embedded.places import Unavailable

NAME = "cardinal"


@dataclass(frozen=True)
class Account:
    """The system account of the servers, and the capability it keeps to reach a folder closed to it."""

    uid: int
    gid: int
    capability: str = ""

    def run(self, command: list[str], timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Runs a command as this account, from a folder it may enter, with nothing of our environment."""
        become: dict[str, int | list[int]] = {}
        if self.capability:
            command = [
                "setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups",
                f"--inh-caps=+{self.capability}", f"--ambient-caps=+{self.capability}", "--", *command,
            ]  # fmt: skip
        elif os.geteuid() == 0:
            become = {"user": self.uid, "group": self.gid, "extra_groups": []}
        kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")
        environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "LC_ALL": "C",
            "TZ": "UTC",
        }
        return subprocess.run(  # type: ignore[call-overload,no-any-return]  # noqa: S603
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=timeout, check=False, **become,
        )  # fmt: skip

    def own(self, *paths: Path) -> None:
        """Gives paths to this account, which only root can and need do."""
        if os.geteuid() == 0:
            for path in paths:
                os.chown(path, self.uid, self.gid)

    def reaches(self, program: Path, folder: Path) -> bool:
        """Can this account start the program and write to the folder?"""
        try:
            started = self.run([str(program), "--version"])
            written = self.run(["sh", "-c", 'test -w "$0"', str(folder)])
        except OSError:
            return False
        return started.returncode == 0 and written.returncode == 0


def choose(program: Path, folder: Path) -> Account:
    """The account for the servers in `folder`: ourselves, or, for root, the owner of its data or `cardinal`.

    A checkout under a folder that only root may enter stays as closed as it is: the account keeps one
    capability to pass through it, instead of the folder being opened to everybody.
    """
    owner = folder.stat()
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    person = pwd.getpwuid(owner.st_uid) if owner.st_uid else _unprivileged()
    plain = Account(person.pw_uid, person.pw_gid)
    plain.own(folder)
    if plain.reaches(program, folder):
        return plain
    if shutil.which("setpriv"):
        for capability in ("dac_read_search", "dac_override"):
            able = Account(plain.uid, plain.gid, capability)
            if able.reaches(program, folder):
                return able
    raise Unavailable(
        f"PostgreSQL does not run as root, and the account {person.pw_name} cannot enter {folder}: work as "
        "an ordinary user, put the checkout where others may enter, or set DATABASE_URL and REDIS_URL."
    )


def _unprivileged() -> pwd.struct_passwd:
    for attempt in ("find", "create", "nobody"):
        if attempt == "create" and (useradd := shutil.which("useradd")):
            shell = "/usr/sbin/nologin"
            subprocess.run(  # noqa: S603
                [useradd, "--system", "--user-group", "--no-create-home", "--shell", shell, NAME],
                capture_output=True, check=False,
            )  # fmt: skip
        try:
            return pwd.getpwnam("nobody" if attempt == "nobody" else NAME)
        except KeyError:
            continue
    raise Unavailable(
        "PostgreSQL does not run as root and no account `cardinal` can be made: add one with "
        "`useradd --system cardinal`, or set DATABASE_URL and REDIS_URL."
    )
