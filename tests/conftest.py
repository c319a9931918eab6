"""The ground of all tests: a database and a Redis number for each worker, closed sockets, and the cast."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection, transaction
from django.test import Client, override_settings
from whitenoise.middleware import WhiteNoiseMiddleware

from governance.embedded import Addresses
from registry.models import User
from tests import factories, template

pytest_plugins = ["tests.tracking"]

TruncateGuards = dict[str, str]  # by table: the statement that makes its guard


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker a Redis number of its own; number 0 belongs to whoever runs the portal on the same Redis.

    Passwords are hashed as they always are, with fewer rounds: a million of them are for who has stolen the hashes.
    """
    PBKDF2PasswordHasher.iterations = 1_000
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    address = settings.REDIS_URL.partition("?db=")[0] + f"?db={int(worker) % 15 + 1}"
    settings.REDIS_URL = address
    settings.CACHES["default"]["LOCATION"] = address
    settings.CELERY_BROKER_URL = settings.BROKER_URL = Addresses("", address).broker_url


@pytest.fixture(scope="session")
def truncate_guards() -> TruncateGuards:
    """The guards that `django_db_setup` took away, as the migrations had made them."""
    return {}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Each worker's database is a copy of one that was migrated already."""
    settings.DATABASES["default"]["TEST"]["TEMPLATE"] = template.made()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any, truncate_guards: TruncateGuards) -> None:
    """The migrated test database, without the guards against TRUNCATE.

    A test that commits (`transaction=True`) is cleaned up by TRUNCATE, and an append-only table refuses exactly that,
    whoever asks. So the guards go after the migrations have made them, here and only here;
    tests/architecture/test_guards.py puts each one back and sees it refuse. All other guards stay.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'refuse_truncate'"
        )
        truncate_guards.update(cursor.fetchall())
        for table in truncate_guards:
            cursor.execute(f"DROP TRIGGER refuse_truncate ON {table}")


@pytest.fixture(scope="module")
def lasting(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What the fixtures of a module make on top of this lasts to its end; each test still undoes what itself does.

    All of it is one transaction, which nobody else sees and which is rolled back: not for modules with tests that
    commit, and not for what the tests of a module want to begin without.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def kept_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files that are written end with the module."""
    place = {"OPTIONS": {"location": str(tmp_path_factory.mktemp("media"))}}
    with override_settings(STORAGES=settings.STORAGES | {"default": settings.STORAGES["default"] | place}):
        yield


@pytest.fixture(scope="session", autouse=True)
def _static_files_looked_up_once() -> Iterator[None]:
    """Every browser of a test builds the middleware anew, and WhiteNoise would look at each static file every time."""
    patch, known, look = pytest.MonkeyPatch(), {}, WhiteNoiseMiddleware.add_files_from_finders

    def add(self: WhiteNoiseMiddleware) -> None:
        if known:
            self.files.update(known)
        else:
            look(self)
            known.update(self.files)

    patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _closed_sockets() -> Iterator[None]:
    """Tests talk to this machine only. PostgreSQL and Redis are unix sockets, servers that tests start are loopback."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _only_here(getattr(socket.socket, name)))
    yield
    patch.undo()


def _only_here(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            raise PermissionError(f"A test tried to reach {address[0]}; tests stay on this machine.")
        return connect(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture
def owner(db: None) -> User:
    """Writes cards, asks for reviews, issues tokens."""
    return factories.member("owner")


@pytest.fixture
def reviewer(db: None) -> User:
    """Judges what others wrote."""
    return factories.member("reviewer")


@pytest.fixture
def compliance(db: None) -> User:
    """Decides risk classes; sees everything."""
    return factories.member("compliance")


@pytest.fixture
def auditor(db: None) -> User:
    """Reads everything and changes nothing."""
    return factories.member("auditor")


@pytest.fixture
def admin(db: None) -> User:
    """Shares models and ends tokens."""
    return factories.member("admin")


@pytest.fixture
def outsider(db: None) -> User:
    """Has an account: no role, nothing shared. Must be refused everywhere."""
    return User.objects.get_or_create(username="outsider")[0]


@pytest.fixture
def machine(db: None) -> User:
    """The portal itself."""
    return User.machine()


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """A browser in which this user is logged in: `as_user(owner).get("/")`."""

    def log_in(user: User) -> Client:
        browser = Client()
        browser.force_login(user, backend="registry.backends.GrantedRoles")
        return browser

    return log_in
