"""Real PostgreSQL and Redis for a checkout in which neither DATABASE_URL nor REDIS_URL is set.

    addresses()  DATABASE_URL and REDIS_URL from the environment, or of servers started under var/
    stop()       ends what addresses() started
    secrets()    SECRET_KEY, TOKEN_PEPPER and CREDENTIALS_KEY, made once under var/

The servers belong to the folder, not to a process: they outlive the command that started them.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from governance.embedded.places import Unavailable, listens, locked, note, recall, secrets, var_dir

__all__ = ["Addresses", "Unavailable", "addresses", "secrets", "status", "stop", "var_dir"]

PARTS = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


@dataclass(frozen=True)
class Addresses:
    """Where the database and Redis are."""

    database_url: str
    redis_url: str

    @property
    def broker_url(self) -> str:
        """The same Redis in the spelling of Celery, which names a unix socket in its own way."""
        if not self.redis_url.startswith("unix://"):
            return self.redis_url
        path, _, query = self.redis_url.removeprefix("unix://").partition("?db=")
        return f"redis+socket://{path}?virtual_host={query or 0}"


def addresses() -> Addresses:
    """The configured addresses; for each that is not set, a server of this folder, started if needed."""
    given = {part: os.environ.get(variable, "").strip() for part, variable in PARTS.items()}
    wanted = [part for part, address in given.items() if not address]
    found = _running(var_dir(), wanted) if wanted else {}
    # The modules of both parts are loaded only when one is used; their programs only when one is started.
    for part, socket in found.items():
        given[part] = _module(part).url(socket)
    return Addresses(database_url=given["postgres"], redis_url=given["redis"])


def _running(home: Path, wanted: list[str]) -> dict[str, str]:
    known = recall(home)
    if all(part in known and listens(known[part]) for part in wanted):
        return {part: known[part] for part in wanted}
    with locked(home):
        known = recall(home)  # another process may have started them while we waited
        for part in wanted:
            if not (part in known and listens(known[part])):
                known[part] = _module(part).start(home)
                note(home, known)
    return {part: known[part] for part in wanted}


def _module(part: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    from governance.embedded import postgres, redis

    return {"postgres": postgres, "redis": redis}[part]


def status() -> dict[str, bool]:
    """Which embedded servers of this folder answer now."""
    known = recall(var_dir())
    return {part: part in known and listens(known[part]) for part in PARTS}


def stop() -> None:
    """Ends the embedded servers of this folder, cleanly and in any state; nothing to end is no error."""
    from governance.embedded import postgres, redis

    home = var_dir()
    if not home.is_dir():
        return
    with locked(home):
        known = recall(home)
        postgres.stop(home)
        redis.stop(home, known.get("redis", ""))
        (home / "embedded.json").unlink(missing_ok=True)
        for folder in {Path(path).parent for path in known.values()}:
            if folder.name.startswith("cardinal-"):  # never trust a note with more than our own folders
                shutil.rmtree(folder, ignore_errors=True)
