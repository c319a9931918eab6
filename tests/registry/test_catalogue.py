"""Models, versions, aliases, endpoints, systems and servers: what a verb takes, refuses and tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, transaction

from audit.models import Entry
from registry.actions import catalogue, data, servers, systems
from registry.errors import Invalid, Missing, Refused
from registry.models import Alias, Endpoint, Manifest, System, TrackingServer, User, Version
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


def kinds() -> list[str]:
    return list(Entry.objects.order_by("created_at", "pk").values_list("kind", flat=True))


def test_two_models_of_one_name_get_two_addresses() -> None:
    first, second = factories.model(name="Credit scorer"), factories.model(name="Credit scorer")

    assert (first.slug, second.slug) == ("credit-scorer", "credit-scorer-2")


def test_a_name_without_letters_still_has_an_address() -> None:
    assert factories.model(name="信用").slug == "unnamed"


def test_a_version_number_is_used_once(version: Version) -> None:
    with pytest.raises(DatabaseError, match="version_number_once"), transaction.atomic():
        factories.version(model=version.model, number=version.number)


def test_an_alias_moves_once_and_is_told_once(version: Version, machine: User) -> None:
    second = factories.version(model=version.model, number=2)
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=machine)

    moved = catalogue.move_aliases(model=version.model, aliases={"champion": 2}, by=machine)
    again = catalogue.move_aliases(model=version.model, aliases={"champion": 2}, by=machine)

    assert (moved, again) == (["champion"], [])
    assert Alias.objects.get(name="champion").version == second
    assert kinds().count("alias.moved") == 2


def test_an_alias_that_is_gone_is_removed_and_told(version: Version, machine: User) -> None:
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=machine)

    assert catalogue.move_aliases(model=version.model, aliases={}, by=machine) == ["champion"]
    assert not Alias.objects.exists()
    assert kinds()[-1] == "alias.removed"


def test_an_alias_of_an_unknown_version_waits(version: Version, machine: User) -> None:
    assert catalogue.move_aliases(model=version.model, aliases={"champion": 9}, by=machine) == []


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ("production", "ftp://x"),
        ("production", "file:///etc/passwd"),
        ("production", "http://user:secret@127.0.0.1:1"),
        ("production", "http://127.0.0.1:1/api?x="),
        ("production", "http://127.0.0.1:1/api#"),
        ("production", "http://"),
        ("live", "http://127.0.0.1:1"),
        ("", ""),
    ],
)
def test_an_endpoint_is_an_http_address_in_a_known_environment(
    version: Version, admin: User, environment: str, url: str
) -> None:
    with pytest.raises(Invalid):
        catalogue.set_endpoint(version=version, environment=environment, url=url, by=admin)


def test_an_endpoint_is_one_per_environment(version: Version, admin: User) -> None:
    for url in ("http://127.0.0.1:5001/", "http://127.0.0.1:5002"):
        catalogue.set_endpoint(version=version, environment="production", url=url, by=admin)

    assert [endpoint.url for endpoint in Endpoint.objects.all()] == ["http://127.0.0.1:5002"]


def test_files_that_are_unchanged_make_no_new_manifest(version: Version) -> None:
    before = len(kinds())

    same = factories.manifest(version)

    assert Manifest.objects.get() == same
    assert len(kinds()) == before


def test_the_order_of_files_does_not_matter(version: Version, machine: User) -> None:
    files = [{"path": name, "sha256": "a" * 64, "size": 1} for name in ("b", "a")]

    first = data.record_manifest(version=version, files=files, by=machine)

    assert data.record_manifest(version=version, files=files[::-1], by=machine) == first


def test_files_that_changed_are_told_with_both_digests(version: Version) -> None:
    before = Manifest.objects.get()

    after = factories.manifest(version, "b")

    facts = Entry.objects.filter(kind="manifest.taken").newest()[0].facts["facts"]
    assert (facts["previous"], facts["digest"]) == (before.digest, after.digest)


def test_a_version_without_files_cannot_be_hashed(version: Version, machine: User) -> None:
    with pytest.raises(Invalid):
        data.record_manifest(version=version, files=[], by=machine)


def test_a_system_has_a_purpose_a_name_and_a_known_role(owner: User) -> None:
    with pytest.raises(Invalid) as caught:
        systems.register(name="…", intended_purpose=" ", operator_role="owner", by=owner)

    assert set(caught.value.fields) == {"name", "intended_purpose", "operator_role"}
    with pytest.raises(DatabaseError, match="system_operator_role_known"), transaction.atomic():
        System.objects.create(
            slug="a", name="a", intended_purpose="a", operator_role="king", created_by=owner
        )


def test_a_second_system_of_a_name_is_refused_in_a_sentence(owner: User) -> None:
    for expected in (None, Invalid):
        made: Callable[[], System] = lambda: systems.register(  # noqa: E731
            name="Lending", intended_purpose="Decide.", operator_role="provider", by=owner
        )
        if expected:
            with pytest.raises(expected, match="of this name already"):
                made()
        else:
            made()


def test_a_model_joins_a_system_once(version: Version, owner: User) -> None:
    system = factories.system(model=version.model)
    before = len(kinds())

    systems.add_model(system=system, model=version.model, by=owner)

    assert len(kinds()) == before


def test_nobody_puts_a_model_that_they_do_not_see_into_a_system(version: Version, owner: User) -> None:
    system = factories.system(model=version.model)
    hidden = factories.model(shared=False)

    with pytest.raises(Missing):
        systems.add_model(system=system, model=hidden, by=owner)


@pytest.mark.parametrize("uri", ["", "file:///tmp", "sqlite:///x.db", "127.0.0.1:5000"])
def test_a_tracking_server_has_an_http_address(admin: User, uri: str) -> None:
    with pytest.raises(Invalid):
        servers.add(name="main", uri=uri, by=admin)


def test_a_tracking_server_is_followed_once(admin: User) -> None:
    servers.add(name="main", uri="http://127.0.0.1:5000/", by=admin)

    with pytest.raises(Invalid, match="followed already"):
        servers.add(name="other", uri="http://127.0.0.1:5000", by=admin)
    assert TrackingServer.objects.count() == 1


def test_a_look_that_found_nothing_new_is_not_told(machine: User) -> None:
    server = factories.tracking_server()
    before = len(kinds())

    servers.note_synced(server=server, models_added=0, versions_added=0, by=machine)

    assert len(kinds()) == before
    assert TrackingServer.objects.get().synced_at is not None


@pytest.mark.parametrize("role", ["reviewer", "compliance", "auditor"])
def test_who_may_not_sync_changes_nothing_in_the_registry(version: Version, role: str) -> None:
    by = factories.member(role)

    with pytest.raises(Refused):
        servers.add(name="x", uri="http://127.0.0.1:1", by=by)
    with pytest.raises(Refused):
        catalogue.move_aliases(model=version.model, aliases={}, by=by)
    with pytest.raises(Refused):
        data.record_manifest(version=version, files=[], by=by)
    with pytest.raises(Refused):
        data.record_run(server=version.model.server, run_id="x", facts={}, inputs=[], by=by)


def test_only_admins_share(owner: User, outsider: User) -> None:
    model = factories.model()

    with pytest.raises(Refused):
        catalogue.share_model(model=model, audience=outsider, by=owner)
