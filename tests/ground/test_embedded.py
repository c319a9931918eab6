"""The ground holds: real servers start with nothing configured, and survive what happens to machines."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from governance import embedded
from governance.embedded import places

CHECKOUT = Path(__file__).resolve().parents[2]
Home = Callable[[str], Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Makes a folder of its own the place of the embedded servers, and stops them afterwards."""
    made: list[Path] = []
    for variable in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CARDINAL_EPHEMERAL", "1")

    def enter(name: str) -> Path:
        made.append(tmp_path / name)
        monkeypatch.setenv("CARDINAL_VAR", str(made[-1]))
        return made[-1]

    yield enter
    for folder in made:
        monkeypatch.setenv("CARDINAL_VAR", str(folder))
        embedded.stop()


def answer(found: embedded.Addresses) -> str:
    """Asks both servers something; returns the folder of the database."""
    assert redis.from_url(found.redis_url).ping()
    with psycopg.connect(found.database_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("cardinal",)
    with psycopg.connect(found.database_url, user="postgres") as connection:
        row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert row is not None
    return str(row[0])


def kill_both(folder: Path) -> None:
    for pid_file in (folder / "postgres/data/postmaster.pid", folder / "redis/redis.pid"):
        number = int(pid_file.read_text().splitlines()[0])
        os.kill(number, signal.SIGKILL)
        assert places.has_ended(number, 10)


def test_servers_start_answer_quickly_when_warm_and_stop(home: Home) -> None:
    folder = home("var with a space, and 'quotes'")
    first = embedded.addresses()

    began = time.perf_counter()
    second = embedded.addresses()
    warm = time.perf_counter() - began

    assert first == second
    assert warm < 0.03
    assert Path(answer(second)) == folder / "postgres" / "data"
    embedded.stop()
    assert embedded.status() == {"postgres": False, "redis": False}
    embedded.stop()  # nothing to stop is no error


def test_a_configured_address_is_taken_and_nothing_is_started(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home("unused")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/cardinal")
    monkeypatch.setenv("REDIS_URL", "redis://cache.example:6379/0")

    found = embedded.addresses()

    assert found.database_url == "postgresql://db.example/cardinal"
    assert found.broker_url == "redis://cache.example:6379/0"
    assert not folder.exists()


def test_killed_servers_start_again_with_their_data(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home("killed")
    monkeypatch.delenv("CARDINAL_EPHEMERAL")  # durable, as in the demo
    found = embedded.addresses()
    with psycopg.connect(found.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")

    kill_both(folder)
    (folder / "embedded.lock").write_text("left by a killed process")

    with psycopg.connect(embedded.addresses().database_url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_postmaster_file_with_the_number_of_a_living_stranger_is_stale(home: Home) -> None:
    folder = home("reused number")
    embedded.addresses()
    lines = (folder / "postgres/data/postmaster.pid").read_text().splitlines()
    kill_both(folder)
    (folder / "postgres/data/postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:], ""]))

    answer(embedded.addresses())


def test_a_lost_note_finds_the_running_server_again(home: Home) -> None:
    folder = home("lost note")
    found = embedded.addresses()
    before = (folder / "postgres/data/postmaster.pid").read_text().splitlines()[0]
    (folder / "embedded.json").write_text("{half")

    assert embedded.addresses() == found
    assert (folder / "postgres/data/postmaster.pid").read_text().splitlines()[0] == before


def test_a_path_too_long_for_sockets_is_no_hindrance(home: Home) -> None:
    folder = home("/".join(["a-folder-with-a-long-name"] * 6))

    found = embedded.addresses()

    assert len(str(folder)) > 150
    assert Path(answer(found)) == folder / "postgres" / "data"


def test_two_copies_side_by_side_share_nothing(home: Home) -> None:
    home("first copy")
    first = embedded.addresses()
    redis.from_url(first.redis_url).set("whose", "first")
    home("second copy")
    second = embedded.addresses()

    assert answer(first) != answer(second)
    assert redis.from_url(second.redis_url).get("whose") is None
    embedded.stop()
    answer(first)


def test_four_processes_at_once_start_one_server(home: Home) -> None:
    folder = home("at once")
    command = [sys.executable, "-m", "governance.embedded", "start"]
    started = [subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    said = {process.communicate(timeout=60)[0] for process in started}

    assert [process.returncode for process in started] == [0, 0, 0, 0]
    assert len(said) == 1
    assert (folder / "postgres/server.log").read_text().count("ready to accept connections") == 1


def test_a_folder_deleted_under_its_servers_starts_afresh(home: Home) -> None:
    folder = home("deleted")
    found = embedded.addresses()
    redis.from_url(found.redis_url).set("old", "1")
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)

    fresh = embedded.addresses()

    assert Path(answer(fresh)).is_dir()
    assert redis.from_url(fresh.redis_url).get("old") is None


def test_sockets_are_closed_to_everybody_else(home: Home) -> None:
    home("private")
    place = Path(embedded.addresses().redis_url.removeprefix("unix://").split("?")[0]).parent

    assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_socket_folder_made_by_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    place = places.sockets(tmp_path / "var", os.geteuid())
    place.rmdir()
    place.symlink_to(tmp_path)

    with pytest.raises(embedded.Unavailable, match="belongs to somebody else"):
        places.sockets(tmp_path / "var", os.geteuid())


def test_a_folder_that_cannot_be_written_is_named_in_one_sentence(home: Home) -> None:
    blocked = home("a file")
    blocked.write_text("not a folder")
    home("a file/var")

    with pytest.raises(embedded.Unavailable, match=r"cannot be written .*set CARDINAL_VAR"):
        embedded.addresses()
    blocked.unlink()


def test_secrets_are_made_once_and_are_private(home: Home) -> None:
    folder = home("secrets")

    first = embedded.secrets()

    assert embedded.secrets() == first
    assert set(first) == {"SECRET_KEY", "TOKEN_PEPPER", "CREDENTIALS_KEY"}
    assert len(set(first.values())) == 3
    assert min(map(len, first.values())) >= 44
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_secrets_of_before_a_key_was_needed_stay_and_get_that_key(home: Home) -> None:
    folder = home("older secrets")
    folder.mkdir(parents=True, exist_ok=True)
    older = {"SECRET_KEY": "s" * 60, "TOKEN_PEPPER": "p" * 60}
    (folder / "secrets.json").write_text(json.dumps(older))

    found = embedded.secrets()

    assert older.items() <= found.items()
    assert found["CREDENTIALS_KEY"]
    assert embedded.secrets() == found


def test_broken_secrets_are_never_silently_replaced(home: Home) -> None:
    folder = home("broken secrets")
    embedded.secrets()
    (folder / "secrets.json").write_text(json.dumps({"SECRET_KEY": "only"}))

    with pytest.raises(embedded.Unavailable, match="restore it, or remove it"):
        embedded.secrets()
