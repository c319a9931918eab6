"""MLflow's own basic-auth app: read with the right password, refused with a wrong one, and when it was changed there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from registry import sync
from registry.actions import catalogue, servers
from registry.models import Alias, AliasOrder, Manifest, Model, TrackingServer, User
from tests import tracking

pytest.importorskip("flask_wtf", reason="MLflow's basic-auth app needs Flask-WTF (mlflow[auth])")
pytestmark = pytest.mark.django_db

ADMIN = ("admin", "an admin's long password")
FIRST, SECOND = "cardinal's first password", "cardinal's second password"
NAME = "cardinal"
CONFIG = """[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/basic_auth.db
admin_username = {admin[0]}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
"""


class Guarded:
    """A tracking server with accounts of its own."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def as_admin(self, method: str, path: str, **body: object) -> None:
        """Ask it as its administrator."""
        address = f"{self.uri}/api/2.0/mlflow/{path}"
        httpx.request(method, address, json=body, auth=ADMIN, timeout=30, trust_env=False).raise_for_status()

    def set_password(self, password: str) -> None:
        self.as_admin("PATCH", "users/update-password", username=NAME, password=password)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The demo's models behind `mlflow server --app-name basic-auth`, with an account that may read."""
    folder: Path = tmp_path_factory.mktemp("guarded") / "mlflow"
    shutil.copytree(tracking.trained(), folder)
    config = folder / "auth.ini"
    config.write_text(CONFIG.format(folder=folder, admin=ADMIN))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(config))
        patch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", ADMIN[1])
        patch.setenv("MLFLOW_FLASK_SERVER_SECRET_KEY", "only for the tests of this module")
        guarded = Guarded(tracking._started(folder, os.getpid(), "--app-name", "basic-auth"))
    guarded.as_admin("POST", "users/create", username=NAME, password=FIRST)
    yield guarded
    tracking._end(folder)


@pytest.fixture
def guarded(started: Guarded) -> Guarded:
    """The server, with the first password."""
    started.set_password(FIRST)
    return started


def read(server: TrackingServer, *, whole: int = 0) -> list[str]:
    return sync.read(server, by=User.machine(), in_passing=whole).problems


def test_without_a_password_or_with_a_wrong_one_it_refuses_and_says_what_to_do(
    guarded: Guarded, machine: User
) -> None:
    server = servers.add(name="guarded", uri=guarded.uri, by=machine)

    for username, secret in (("", ""), (NAME, "wrong"), ("nobody", FIRST)):
        servers.set_credentials(server=server, username=username, secret=secret, by=machine)
        (problem,) = read(server)
        assert "Set its credentials on its page" in problem
        assert not secret or secret not in problem
    assert not Model.objects.exists()


def test_with_the_right_password_everything_is_read_even_the_files(guarded: Guarded, machine: User) -> None:
    server = servers.add(name="guarded", uri=guarded.uri, username=NAME, secret=FIRST, by=machine)

    assert read(server, whole=10) == []

    assert Model.objects.filter(server=server).count() >= 3
    assert Manifest.objects.filter(version__model__server=server).count() >= 4


def test_a_password_that_was_changed_there_leaves_the_last_knowledge_until_it_is_set_here(
    guarded: Guarded, machine: User
) -> None:
    server = servers.add(name="guarded", uri=guarded.uri, username=NAME, secret=FIRST, by=machine)
    assert read(server) == []
    known = Model.objects.present().count()

    guarded.set_password(SECOND)
    (problem,) = read(server)
    assert "Set its credentials on its page" in problem
    assert (Model.objects.present().count(), TrackingServer.objects.get().problem) == (known, problem)

    servers.set_credentials(server=server, username=NAME, secret=SECOND, by=machine)
    assert read(server) == []
    assert TrackingServer.objects.get().problem == ""


def test_who_may_only_read_there_moves_no_alias(guarded: Guarded, machine: User, admin: User) -> None:
    server = servers.add(name="guarded", uri=guarded.uri, username=NAME, secret=FIRST, by=machine)
    assert read(server) == []
    model = Model.objects.get(name="credit-scorer")
    before = Alias.objects.get(model=model, name="champion").version

    order = catalogue.set_alias(model=model, name="champion", number=2, by=admin)
    order = sync.write_alias(order, by=admin)

    assert order.state == AliasOrder.State.FAILED
    assert "refuses us" in order.problem
    assert Alias.objects.get(model=model, name="champion").version == before
    assert read(server) == []
