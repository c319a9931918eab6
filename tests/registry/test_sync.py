"""A real tracking server, read into the registry: once, again, and again with other files than before."""

from __future__ import annotations

import pytest

from audit.models import Entry
from registry import prefill, sync
from registry.actions import data, servers
from registry.documents.proposals import accept
from registry.models import Manifest, Model, TrackingServer, User, Version
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db


@pytest.fixture
def followed(tracking_server: Tracking, machine: User) -> TrackingServer:
    """The tracking server of the tests, read once."""
    server = servers.add(name="real", uri=tracking_server.uri, by=machine)
    outcome = sync.read(server, by=machine)
    assert outcome.problems == []
    assert outcome.versions_added == Version.objects.count() >= 5
    return server


def test_reading_brings_versions_runs_data_aliases_and_digests(followed: TrackingServer) -> None:
    scorer = Version.objects.select_related("run").get(model__name="credit-scorer", number=1)

    assert scorer.run is not None
    assert scorer.run.metrics["auc"] > 0.5
    assert {used.context for used in scorer.run.inputs.all()} == {"training", "evaluation"}
    assert [alias.name for alias in scorer.aliases.all()] == ["champion"]
    assert "MLmodel" in [file["path"] for file in Manifest.objects.get(version=scorer).files]


def test_reading_again_writes_nothing(followed: TrackingServer, machine: User) -> None:
    entries, manifests = Entry.objects.count(), Manifest.objects.count()

    outcome = sync.read(followed, by=machine)

    assert (outcome.models_added, outcome.versions_added) == (0, 0)
    assert (Entry.objects.count(), Manifest.objects.count()) == (entries, manifests)


def test_hashing_again_finds_the_same_files_the_same(followed: TrackingServer, machine: User) -> None:
    version = Version.objects.get(model__name="digit-reader", number=1)
    before = Manifest.objects.get(version=version)

    assert sync.rehash(version, by=machine) == before.digest
    assert Manifest.objects.filter(version=version).count() == 1


def test_hashing_again_finds_other_files_than_were_recorded(followed: TrackingServer, machine: User) -> None:
    version = Version.objects.get(model__name="digit-reader", number=1)
    true = Manifest.objects.get(version=version)
    other = [{**file, "sha256": "0" * 64} for file in true.files]
    data.record_manifest(
        version=version, files=other, by=machine
    )  # as if the files had been others until now

    assert sync.rehash(version, by=machine) == true.digest

    latest = Manifest.objects.filter(version=version).order_by("-taken_at", "-pk")[0]
    assert latest.digest == true.digest
    assert Entry.objects.filter(kind="manifest.taken").newest()[0].facts["facts"]["digest"] == true.digest


def test_a_first_card_starts_from_what_the_server_says_and_keeps_what_a_person_wrote(
    followed: TrackingServer,
) -> None:
    version = Version.objects.get(model__name="credit-scorer", number=1)

    content, sources = prefill.card(version)
    written = accept(content, ["model_details.name"])
    written |= {"model_details": content["model_details"] | {"name": "My own name"}}
    filled, taken = prefill.fill(written, version)

    assert content["metrics"]["results"]
    assert content["operation"]["inputs"][0] == "age: long"
    assert "metrics.results" in sources
    assert filled["model_details"]["name"] == "My own name"
    assert "model_details.name" not in taken


def test_a_server_that_is_away_leaves_what_is_known(followed: TrackingServer, machine: User) -> None:
    known = Model.objects.count()
    servers.move(server=followed, uri="http://127.0.0.1:9", by=machine)

    outcome = sync.read(followed, by=machine)

    assert outcome.problems
    assert Model.objects.count() == known
    assert "127.0.0.1:9" in TrackingServer.objects.get(pk=followed.pk).problem


def test_what_the_server_knows_of_the_newer_fields_is_proposed_too(followed: TrackingServer) -> None:
    version = Version.objects.get(model__name="credit-scorer", number=1)

    content, sources = prefill.card(version)

    assert content["operation"]["outputs"]
    assert sources["operation.outputs"] == "signature"
    assert "/invocations" in content["operation"]["usage"]
    assert "- C: 0.5" in content["training_data"]["procedure"]
