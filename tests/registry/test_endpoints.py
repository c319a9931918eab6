"""An endpoint says how its server is asked: what does not fit together is refused in words, and by the database as well."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from audit.models import Entry
from registry.actions import catalogue
from registry.errors import Invalid
from registry.models import Endpoint, User, Version
from tests import factories

pytestmark = pytest.mark.django_db

V2: dict[str, Any] = {
    "protocol": "v2",
    "served_name": "scorer",
    "version_in_path": True,
    "credential": "inhouse",
}


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


def put(version: Version, by: User, url: str = "http://127.0.0.1:8080", **manner: Any) -> Endpoint:
    return catalogue.set_endpoint(version=version, environment="production", url=url, by=by, **manner)


def test_it_says_how_the_server_is_asked(version: Version, admin: User) -> None:
    put(version, admin, **V2)

    found = Endpoint.objects.values("protocol", "served_name", "version_in_path", "credential").get()
    assert found == V2
    facts = Entry.objects.filter(kind="endpoint.set").latest("created_at").facts["facts"]
    assert (facts["protocol"], facts["credential"]) == ("v2", "inhouse")


def test_what_is_not_said_again_is_forgotten(version: Version, admin: User) -> None:
    put(version, admin, **V2)
    put(version, admin)

    found = Endpoint.objects.get()
    assert (found.protocol, found.served_name, found.version_in_path, found.credential) == (
        "mlflow",
        "",
        False,
        "",
    )


FITS: list[dict[str, Any]] = [
    {},
    {"protocol": "v1", "served_name": "a.b-c_D"},
    {"protocol": "v2", "version_in_path": True},
    {"protocol": "openai", "served_name": "org/large-model:7b"},
    {"credential": "a"},
    {"credential": "a" + "1" * 39},
]
FAULTS: list[tuple[str, dict[str, Any]]] = [
    ("protocol", {"protocol": "grpc"}),
    ("protocol", {"protocol": ""}),
    ("served_name", {"served_name": "scorer"}),
    ("served_name", {"protocol": "v2", "served_name": "a/b"}),
    ("served_name", {"protocol": "v2", "served_name": ".."}),
    ("served_name", {"protocol": "v1", "served_name": "a b"}),
    ("served_name", {"protocol": "v1", "served_name": "a\n"}),
    ("served_name", {"protocol": "v1", "served_name": "é"}),
    ("served_name", {"protocol": "openai", "served_name": "/a"}),
    ("served_name", {"protocol": "openai", "served_name": 'a"b'}),
    ("version_in_path", {"version_in_path": True}),
    ("version_in_path", {"protocol": "openai", "version_in_path": True}),
    ("credential", {"credential": "A"}),
    ("credential", {"credential": "a-b"}),
    ("credential", {"credential": "sk-12345"}),
    ("credential", {"credential": "a\n"}),
]


@pytest.mark.parametrize("manner", FITS)
def test_what_fits_together_is_taken(version: Version, admin: User, manner: dict[str, Any]) -> None:
    put(version, admin, **manner)


@pytest.mark.parametrize(("field", "manner"), FAULTS)
def test_what_does_not_is_refused_twice(
    version: Version, admin: User, field: str, manner: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as told:
        put(version, admin, **manner)
    assert set(told.value.fields) == {field}

    with pytest.raises(IntegrityError), transaction.atomic():
        Endpoint.objects.create(version=version, environment="production", url="http://x", **manner)


@pytest.mark.parametrize(
    "url",
    ["http://h/a/../b", "http://h/%2e%2e", "http://h//a", "http://h/a b", "http://h\\@evil/", "http://h/é", "http://h:99999/", "http://@h/", "http://h/a;b"],
)  # fmt: skip
def test_an_address_that_two_readers_could_read_differently_is_refused(
    version: Version, admin: User, url: str
) -> None:
    with pytest.raises(Invalid) as told:
        put(version, admin, url)
    assert set(told.value.fields) == {"url"}


def test_the_page_says_it_and_sets_it(client: Client, version: Version, admin: User) -> None:
    client.force_login(admin)
    form = {"environment": "staging", "url": "http://127.0.0.1:9", **V2}
    place = {"slug": version.model.slug, "number": version.number}

    client.post(reverse("version-endpoint", kwargs=place), form)
    page = client.get(reverse("version", kwargs=place)).content.decode()

    assert "Open Inference Protocol V2" in page
    assert "<code>scorer</code> version 1" in page
    assert "<code>inhouse</code>" in page


def test_the_interface_says_it_and_sets_it(as_user: Any, version: Version, admin: User) -> None:
    api = as_user(admin)
    place = f"/api/v1/models/{version.model.slug}/versions/{version.number}/endpoints/production/"

    made = api.put(place, {"url": "http://127.0.0.1:9", **V2}, content_type="application/json")
    wrong = api.put(
        place, {"url": "http://127.0.0.1:9", "served_name": "scorer"}, content_type="application/json"
    )

    assert made.status_code == 201, made.content
    assert api.get(place).json() == {
        "model": version.model.slug, "version": 1, "environment": "production", "url": "http://127.0.0.1:9", **V2,
    }  # fmt: skip
    assert (wrong.status_code, set(wrong.json()["errors"])) == (400, {"served_name"})
