"""The index of search equals a rebuild after every change, by whichever door."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from registry import canonical
from registry.actions import bulk, catalogue, documents, systems
from registry.documents.content import blank
from registry.mlflow.facts import ModelFacts, VersionFacts
from registry.models import (
    Alias,
    Dataset,
    Document,
    Model,
    Revision,
    Run,
    RunInput,
    SearchRow,
    System,
    User,
    Version,
)
from registry.search import index
from tests import factories

pytestmark = pytest.mark.django_db


def renamed_system(version: Version) -> None:
    System.objects.filter(models=version.model).update(name="Loan desk", edition=F("edition") + 1)


def flavoured(version: Version) -> None:
    facts = {"flavors": {"sklearn": {}, "python_function": {}}}
    Version.objects.filter(pk=version.pk).update(model_file=facts, tags={"team": "risk, lending"})


def emptied(version: Version) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_system_models WHERE model_id = %s", [version.model_id])


def moved_version(version: Version) -> None:
    Version.objects.filter(pk=version.pk).update(model=factories.model())


# Each change by its verb, and by the doors that know no verb: bulk writes, the administration's saves, raw SQL.
CHANGES: dict[str, Callable[[Version], object]] = {
    "a model registered": lambda _: factories.model(name="churn-predictor"),
    "models in bulk": lambda v: Model.objects.bulk_create(
        Model(server=v.model.server, name=f"bulk-{n}", slug=f"bulk-{n}", created_at=timezone.now())
        for n in range(5)
    ),
    "a model renamed": lambda v: Model.objects.filter(pk=v.model_id).update(name="loan-scorer"),
    "a model described": lambda v: Model.objects.filter(pk=v.model_id).update(
        description="Default of loans", tags={"team": "credit", "odd": {"a": [1]}}
    ),
    "a version registered": lambda v: factories.version(model=v.model, number=2),
    "a version described": lambda v: Version.objects.filter(pk=v.pk).update(description="Calibrated"),
    "a version's flavours": flavoured,
    "a version moved": moved_version,
    "an alias set": lambda v: catalogue.move_aliases(
        model=v.model, aliases={"champion": 1}, by=User.machine()
    ),
    "an alias taken away": lambda v: Alias.objects.filter(model=v.model).delete(),
    "a run's person": lambda v: Run.objects.filter(versions=v).update(user_name="ada"),
    "a run's data taken away": lambda v: RunInput.objects.filter(run__versions=v).delete(),
    "a card saved": lambda v: factories.save(v, mark="calibration"),
    "a datasheet saved": lambda v: factories.save(factories.training_data(v), mark="consent"),
    "a dataset renamed": lambda v: Dataset.objects.filter(pk=factories.training_data(v).pk).update(name="L"),
    "a system with the model": lambda v: factories.system(model=v.model),
    "a system renamed": renamed_system,
    "a model taken out of systems": emptied,
    "a person renamed": lambda _: User.objects.filter(username="owner").update(last_name="Lovelace"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_each_change_the_index_equals_a_rebuild(change: str) -> None:
    version = factories.version()
    catalogue.move_aliases(model=version.model, aliases={"challenger": 1}, by=User.machine())
    factories.save(version, mark="first")
    factories.save(factories.training_data(version), mark="first")
    factories.system(model=version.model)

    CHANGES[change](version)

    assert index.differences() == []


def test_a_whole_life_leaves_the_index_equal_to_a_rebuild() -> None:
    version = factories.version()
    for name, change in CHANGES.items():
        change(
            factories.version(number=len(name) + 1) if "taken away" in name or "moved" in name else version
        )

    assert index.differences() == []
    assert SearchRow.objects.filter(kind="model").count() == Model.objects.count()
    assert set(SearchRow.objects.filter(kind="card").values_list("document", flat=True)) == set(
        Document.objects.filter(kind="card").values_list("pk", flat=True)
    )


def test_what_is_deleted_leaves_the_index() -> None:
    model = factories.model()
    lonely = Dataset.objects.create(name="lonely", slug="lonely")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM registry_modelgroupobjectpermission")
        cursor.execute("DELETE FROM registry_model WHERE id = %s", [model.pk])
    lonely.delete()

    assert not SearchRow.objects.exists()


def test_the_columns_to_filter_by() -> None:
    version = factories.version()
    Model.objects.filter(pk=version.model_id).update(tags={"Team": "Credit , risk"})
    flavoured(version)
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())

    row = SearchRow.objects.get(model=version.model)

    assert set(row.teams) == {"Credit", "risk", "lending"}
    assert row.flavours == ["sklearn"]
    assert row.aliases == ["champion"]
    assert row.changed_at == Version.objects.get(pk=version.pk).registered_at


def test_the_last_change_is_the_newest_version_or_revision() -> None:
    version = factories.version()
    revision = factories.save(version)
    revision.refresh_from_db()

    assert SearchRow.objects.get(model=version.model).changed_at == revision.created_at


def test_a_fact_that_changes_nothing_to_find_writes_nothing() -> None:
    version = factories.version()
    before = written(version.model)

    Version.objects.filter(pk=version.pk).update(proposals=[{"path": "a", "value": "b", "source": "c"}])
    Model.objects.filter(pk=version.model_id).update(name=version.model.name)
    Alias.objects.create(model=version.model, name="a", version=version)

    assert before != written(version.model)  # the alias
    again = written(version.model)
    Version.objects.filter(pk=version.pk).update(status="READY", description="")
    assert again == written(version.model)


def written(model: Model) -> str:
    """Which version of the row stands in the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text FROM registry_searchrow WHERE model_id = %s", [model.pk])
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(
    "text",
    [
        "ab " * 40_000,
        " ".join(f"{n:x}" for n in range(60_000)),
        "\U00020000 " * 30_000,
        "x" * 60_000,
        "\\'\"&|!:*()<->",
    ],
    ids=["long", "rich", "rare", "one word", "operators"],
)
def test_no_text_keeps_a_fact_from_being_saved(text: str) -> None:
    version = factories.version()
    Model.objects.filter(pk=version.model_id).update(description=text, tags={"team": text, "other": [text]})
    content = blank("card")
    content["intended_use"]["uses"] = content["intended_use"]["users"] = text[:40_000]

    documents.save(about=version, content=content, on_top_of=0, by=factories.member("owner"))

    assert index.differences() == []
    assert SearchRow.objects.filter(model=version.model, name=version.model.name).exists()


@pytest.mark.parametrize("body", [b"no json", b"[1, 2]", b"\xff\xfe", json.dumps({"a": "\x00"}).encode()])
def test_a_revision_with_odd_bytes_is_saved_and_indexed_by_its_name(body: bytes) -> None:
    version = factories.version()
    document = Document.objects.create(kind="card", version=version)
    revision = Revision.objects.create(
        document=document, number=1, body=body, digest=canonical.digest(body), by=factories.member("owner")
    )

    Document.objects.filter(pk=document.pk).update(head=revision)

    assert SearchRow.objects.get(document=document).name == f"{version.model.name} v1"


def test_the_database_refuses_a_row_about_nothing_or_about_two_things() -> None:
    version = factories.version()
    row = SearchRow.objects.get(model=version.model)
    for change in ({"model": None}, {"kind": "card"}, {"card_of": version.model}, {"kind": "other"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SearchRow.objects.filter(pk=row.pk).update(**change)


def test_reindex_mends_what_somebody_broke_and_check_tells() -> None:
    version = factories.version()
    call_command("reindex", "--check", stdout=StringIO())
    SearchRow.objects.filter(model=version.model).update(name="wrong", aliases=["wrong"])
    SearchRow.objects.filter(kind="dataset").delete()

    with pytest.raises(CommandError, match="run manage"):
        call_command("reindex", "--check")
    assert SearchRow.objects.filter(name="wrong").exists()
    said = StringIO()
    call_command("reindex", stdout=said)

    assert "2 rows are indexed" in said.getvalue()
    assert index.differences() == []


@pytest.mark.django_db(transaction=True)
def test_two_who_change_one_model_at_once_leave_nothing_out() -> None:
    version = factories.version()

    def later() -> None:
        Alias.objects.create(model=version.model, name="later", version=version)
        connections.close_all()

    with transaction.atomic():
        Alias.objects.create(model=version.model, name="first", version=version)
        thread = Thread(target=later)
        thread.start()
        thread.join(1.0)
        assert thread.is_alive()  # waits for the row of the index
    thread.join(20)

    assert SearchRow.objects.get(model=version.model).aliases == ["first", "later"]


def test_systems_do_not_name_their_models() -> None:
    """Who sees a system need not see each of its models."""
    version = factories.version(model=factories.model(name="secretscorer"))
    system = factories.system(model=version.model)
    systems.add_model(system=system, model=factories.model(name="openscorer"), by=factories.member("owner"))

    row = SearchRow.objects.get(system=system)

    assert "scorer" not in str(row.pieces) + str(row.vector)


def test_many_models_at_once_are_indexed_with_versions_and_aliases_and_so_is_what_comes_after(
    machine: User,
) -> None:
    now = timezone.now()
    told = [
        (
            ModelFacts(f"many-{n}", "Read at once.", now, {"champion": 1}, {"team": "risk"}),
            [VersionFacts(f"many-{n}", 1, "First.", "", "", "", "READY", now, {"arch": "gbm"})],
        )
        for n in range(3)
    ]
    bulk.register_many(server=factories.model().server, models=told, by=machine)

    assert SearchRow.objects.filter(kind="model", aliases=["champion"], teams=["risk"]).count() == 3
    catalogue.move_aliases(
        model=Model.objects.get(name="many-1"), aliases={"champion": 1, "next": 1}, by=machine
    )
    assert SearchRow.objects.get(model__name="many-1").aliases == ["champion", "next"]
    assert index.differences() == []
