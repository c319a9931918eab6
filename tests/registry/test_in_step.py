"""What changes in a real tracking server is recognised as what it is, and kept in the ledger."""

from __future__ import annotations

import contextlib
import sqlite3

import psycopg
import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from mlflow.entities import LoggedModelInput

from audit.models import Entry
from governance.models import Clearance
from registry import sync
from registry.actions import catalogue, servers
from registry.errors import Conflict, Invalid, Refused
from registry.lineage import affected, bom
from registry.models import AliasOrder, Dataset, LedgerRow, Model, TrackingServer, User, Version
from registry.sync.locks import READING
from tests import factories
from tests.tracking import Own

pytestmark = pytest.mark.django_db
STAGES = "ignore:.*stages.*:FutureWarning"


@pytest.fixture
def followed(own: Own, machine: User) -> TrackingServer:
    """The server, read once."""
    server = servers.add(name="own", uri=own.uri, by=machine)
    assert sync.read(server, by=machine, in_passing=0).problems == []
    return server


@pytest.fixture
def made(own: Own, request: pytest.FixtureRequest) -> str:
    """A model of the test's own, with two versions made from those of the demo."""
    name = request.node.name[:60]
    source = own.client.get_model_version("digit-reader", "1")
    own.client.create_registered_model(name, tags={"team": "risk"}, description="First words.")
    for _ in range(2):
        own.client.create_model_version(
            name, source.source, source.run_id, model_id=source.source.removeprefix("models:/")
        )
    own.client.set_registered_model_alias(name, "champion", "1")
    return name


def approved(model: str, number: int) -> Version:
    """The version, read whole, shared with those who judge, and cleared."""
    version = Version.objects.select_related("model__server").get(model__name=model, number=number)
    assert sync.read_contents(version.model.server, [version.pk], by=User.machine()) == []
    for role in ("owner", "reviewer"):
        factories.share(version.model, Group.objects.get(name=role))
    factories.system(model=version.model)
    version.refresh_from_db()
    for dataset in Dataset.objects.filter(snapshots__uses__run=version.run).distinct():
        factories.save(dataset)
    factories.save(version)
    factories.approve(factories.resubmit(version))
    assert cleared(version) == {True}
    return version


def again(server: TrackingServer) -> sync.Outcome:
    return sync.read(server, by=User.machine(), in_passing=3)


def cleared(version: Version) -> set[bool]:
    return set(Clearance.objects.filter(version=version).values_list("allowed", flat=True))


def reasons(version: Version) -> set[str]:
    return {c["reason"] for c in Clearance.objects.filter(version=version)[0].unmet}


def elsewhere(own: Own, model: str, number: int, source: str) -> None:
    """Write another source of a version into the server's own database: MLflow has no call for it."""
    with contextlib.closing(sqlite3.connect(own.folder / "mlflow.db")) as store, store:
        columns = "UPDATE model_versions SET source = ? WHERE name = ? AND version = ?"
        assert store.execute(columns, (source, model, number)).rowcount == 1


def told(kind: str) -> int:
    return Entry.objects.filter(kind=kind).count()


def test_an_unchanged_read_writes_nothing_but_when_it_was(made: str, followed: TrackingServer) -> None:
    again(followed)
    with CaptureQueriesContext(connection) as queries:
        again(followed)

    written = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(written) == 1
    assert written[0].startswith('UPDATE "registry_trackingserver"')


def test_a_renamed_model_stays_what_it_is(own: Own, made: str, followed: TrackingServer) -> None:
    version = approved(made, 1)
    slug = version.model.slug

    own.client.rename_registered_model(made, f"{made}-new")
    outcome = again(followed)

    renamed = Model.objects.get(slug=slug)
    assert (renamed.name, renamed.gone_at, outcome.models_added) == (f"{made}-new", None, 0)
    assert told("model.renamed") == 1
    assert told("model.gone") == 0
    assert cleared(version) == {True}


def test_a_deleted_model_is_gone_and_never_cleared_again_by_its_name(
    own: Own, made: str, followed: TrackingServer
) -> None:
    version = approved(made, 1)
    source = own.client.get_model_version("digit-reader", "1")

    own.client.delete_registered_model(made)
    again(followed)

    lost = Model.objects.get(pk=version.model_id)
    assert lost.gone_at is not None
    assert cleared(version) == {False}
    reasons = [c["reason"] for c in Clearance.objects.filter(version=version)[0].unmet]
    assert reasons == ["model_gone"]
    assert lost.aliases.count() == 0

    own.client.create_registered_model(made)
    own.client.create_model_version(
        made, source.source, source.run_id, model_id=source.source.removeprefix("models:/")
    )
    again(followed)

    another = Model.objects.get(name=made, gone_at=None)
    assert another.slug != lost.slug
    assert cleared(another.versions.get(number=1)) == {False}
    assert cleared(version) == {False}
    assert Entry.objects.filter(kind="model.gone").count() == 1


def test_a_deleted_version_is_gone_and_a_model_that_is_back_is_back(
    own: Own, made: str, followed: TrackingServer
) -> None:
    version = approved(made, 2)

    own.client.delete_model_version(made, "2")
    again(followed)

    version.refresh_from_db()
    assert version.gone_at is not None
    assert cleared(version) == {False}
    assert told("version.gone") == 1

    Model.objects.filter(pk=version.model_id).update(gone_at=version.gone_at)  # as if it had been away
    again(followed)

    assert Model.objects.get(pk=version.model_id).gone_at is None
    assert told("model.back") == 1
    assert told("version.back") == 0


def test_the_database_refuses_to_clear_what_is_gone(own: Own, made: str, followed: TrackingServer) -> None:
    version = approved(made, 1)
    own.client.delete_model_version(made, "1")
    again(followed)

    with pytest.raises(Exception, match="is gone from its tracking server"):
        Clearance.objects.filter(version=version).update(allowed=True)


def test_an_alias_moved_outside_is_a_change_outside_control(
    own: Own, made: str, followed: TrackingServer
) -> None:
    own.client.set_registered_model_alias(made, "champion", "2")
    again(followed)
    own.client.delete_registered_model_alias(made, "champion")
    again(followed)

    rows = LedgerRow.objects.filter(model__name=made, what="alias").order_by("pk")
    assert [(row.before, row.after, row.seen_by, row.is_outside) for row in rows] == [
        ("", "1", "first", False),
        ("1", "2", "reconcile", True),
        ("2", "", "reconcile", True),
    ]


def test_an_alias_moved_here_is_written_there_and_is_no_change_outside(
    own: Own, made: str, followed: TrackingServer, owner: User
) -> None:
    model = Model.objects.get(name=made)
    factories.share(model, owner)

    order = catalogue.set_alias(model=model, name="champion", number=2, by=owner)
    settled = sync.write_alias(order, by=owner)
    again(followed)

    assert settled.state == AliasOrder.State.DONE
    assert own.client.get_model_version_by_alias(made, "champion").version == "2"
    last = LedgerRow.objects.filter(model=model, what="alias").latest("pk")
    assert (last.before, last.after, last.seen_by, last.by) == ("1", "2", "here", owner)
    assert LedgerRow.objects.filter(model=model).filter(LedgerRow.OUTSIDE).count() == 0


def test_a_read_that_sees_an_ordered_move_first_knows_whose_it_is(
    own: Own, made: str, followed: TrackingServer, owner: User
) -> None:
    model = Model.objects.get(name=made)
    factories.share(model, owner)
    order = catalogue.set_alias(model=model, name="champion", number=2, by=owner)

    own.client.set_registered_model_alias(
        made, "champion", "2"
    )  # the worker wrote, and died before it said so
    again(followed)
    catalogue.settle_alias(order=order, problem="", by=owner)

    rows = LedgerRow.objects.filter(model=model, what="alias", seen_by="here")
    assert [(row.after, row.by) for row in rows] == [("2", owner)]
    assert AliasOrder.objects.get(pk=order.pk).state == AliasOrder.State.DONE


def test_an_order_that_the_server_cannot_take_says_why(
    own: Own, made: str, followed: TrackingServer, owner: User, machine: User
) -> None:
    model = Model.objects.get(name=made)
    factories.share(model, owner)
    order = catalogue.set_alias(model=model, name="champion", number=2, by=owner)
    servers.move(server=followed, uri="http://127.0.0.1:9", by=machine)
    order.model.server.refresh_from_db()

    settled = sync.write_alias(order, by=owner)

    assert settled.state == AliasOrder.State.FAILED
    assert "did not answer" in settled.problem
    assert told("alias.order_failed") == 1
    assert model.aliases.get(name="champion").version.number == 1


def test_orders_are_refused_before_anything_is_asked(
    made: str, followed: TrackingServer, owner: User, auditor: User
) -> None:
    model = Model.objects.get(name=made)
    factories.share(model, owner)

    for name in ("latest", "v2", "a b", "", "ü"):
        with pytest.raises(Invalid, match="Letters, digits"):
            catalogue.set_alias(model=model, name=name, number=1, by=owner)
    with pytest.raises(Invalid, match="no version 9"):
        catalogue.set_alias(model=model, name="champion", number=9, by=owner)
    with pytest.raises(Conflict, match="already"):
        catalogue.set_alias(model=model, name="champion", number=1, by=owner)
    with pytest.raises(Refused):
        catalogue.set_alias(model=model, name="champion", number=2, by=auditor)
    catalogue.set_alias(model=model, name="champion", number=2, by=owner)
    with pytest.raises(Conflict, match="still waits"):
        catalogue.set_alias(model=model, name="champion", number=2, by=owner)


@pytest.mark.filterwarnings(STAGES)
def test_words_tags_and_stages_leave_rows_with_before_and_after(
    own: Own, made: str, followed: TrackingServer
) -> None:
    own.client.update_registered_model(made, description="Other words.")
    own.client.set_registered_model_tag(made, "team", "fraud")
    own.client.set_model_version_tag(made, "1", "checked", "yes")
    own.client.transition_model_version_stage(made, "1", "Production")
    own.client.update_model_version(made, "2", description="Better.")

    again(followed)

    rows = LedgerRow.objects.filter(model__name=made).exclude(what="alias")
    found = {(r.what, r.name, r.version.number if r.version else 0, r.before, r.after) for r in rows}
    assert found == {
        ("description", "", 0, "First words.", "Other words."),
        ("tag", "team", 0, "risk", "fraud"),
        ("tag", "checked", 1, "", "yes"),
        ("stage", "", 1, "", "Production"),
        ("description", "", 2, "", "Better."),
    }
    assert {row.what for row in rows if row.is_outside} == {"stage"}
    assert Model.objects.get(name=made).tags == {"team": "fraud"}


def test_a_changed_byte_on_the_servers_disk_ends_the_clearance(
    own: Own, made: str, followed: TrackingServer, machine: User
) -> None:
    version = approved("tumour-classifier", 1)
    folder = own.folder / "artifacts"
    file = next(folder.rglob(f"{version.logged_model_id}/artifacts/requirements.txt"))
    true = file.read_bytes()
    file.write_bytes(true[:-1] + bytes([true[-1] ^ 1]))
    try:
        sync.rehash(version, by=machine)
    finally:
        file.write_bytes(true)

    assert cleared(version) == {False}
    lapsed = Entry.objects.filter(kind="clearance.lapsed").newest()[0]
    assert lapsed.facts["facts"]["codes"] == "artifact_changed"

    sync.rehash(version, by=machine)
    assert cleared(version) == {False}, "what was approved has been something else: it takes another review"
    factories.approve(factories.resubmit(version))
    assert cleared(version) == {True}


def test_files_that_the_server_denies_end_the_clearance_until_they_are_back(
    own: Own, followed: TrackingServer, machine: User
) -> None:
    version = approved("tumour-classifier", 1)
    folder = next((own.folder / "artifacts").rglob(f"{version.logged_model_id}/artifacts"))
    away = folder.with_name("away")
    folder.rename(away)
    try:
        with pytest.raises(sync.Absent):
            sync.rehash(version, by=machine)
    finally:
        away.rename(folder)

    assert [c["reason"] for c in Clearance.objects.filter(version=version)[0].unmet] == ["artifact_gone"]

    sync.rehash(version, by=machine)
    assert cleared(version) == {True}


def test_a_version_whose_source_moves_is_not_cleared_until_it_is_hashed_there(
    own: Own, made: str, followed: TrackingServer
) -> None:
    version = approved(made, 2)
    place = own.client.get_model_version("tumour-classifier", "1").source
    elsewhere(own, made, 2, place)  # other files

    outcome = sync.read(followed, by=User.machine(), in_passing=0)

    assert outcome.moved == [version.pk]
    assert reasons(version) == {"artifact_moved"}
    assert again(followed).moved == []  # claimed: a task hashes it

    elsewhere(own, made, 2, version.source)  # back: as approved
    assert again(followed).problems == []
    assert cleared(version) == {True}
    assert (told("version.source_moved"), told("version.source_hashed")) == (2, 1)


def test_a_version_that_cannot_be_read_whole_is_known_and_tried_again(
    own: Own, made: str, followed: TrackingServer
) -> None:
    run = own.client.create_run(own.client.create_experiment(made))
    broken = own.client.create_model_version(made, f"{run.info.artifact_uri}/model", run.info.run_id)

    outcome = again(followed)

    version = Version.objects.get(model__name=made, number=int(broken.version))
    assert outcome.problems
    assert version.read_problem == outcome.problems[0]
    assert not version.manifests.exists()
    assert cleared(version) == {False}
    assert again(followed).problems == []  # not at once ...

    Version.objects.filter(pk=version.pk).update(tried_at=None)
    source = next((own.folder / "artifacts").rglob("MLmodel")).parent
    own.client.log_artifacts(run.info.run_id, str(source), "model")
    assert again(followed).problems == []  # ... but later

    version.refresh_from_db()
    assert version.read_problem == ""
    assert version.manifests.exists()


def test_one_worker_at_a_time_reads_a_server(followed: TrackingServer) -> None:
    where = connection.settings_dict
    with psycopg.connect(
        dbname=where["NAME"], host=where["HOST"], user=where["USER"], password=where["PASSWORD"]
    ) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", [READING, followed.pk])
        assert again(followed).busy

    assert not again(followed).busy


def test_many_new_versions_are_left_to_tasks(own: Own, made: str, machine: User) -> None:
    server = servers.add(name="own", uri=own.uri, by=machine)

    outcome = sync.read(server, by=machine, in_passing=1)

    assert len(outcome.waiting) == outcome.versions_added > 1
    assert not Version.objects.filter(manifests__isnull=False).exists()
    assert again(server).waiting == []  # claimed: the next pass does not order them a second time
    assert sync.read_contents(server, outcome.waiting, by=machine) == []
    assert not Version.objects.unread().exists()


def test_a_server_that_was_restarted_is_read_again_by_itself(own: Own, followed: TrackingServer) -> None:
    own.stop()
    try:
        assert again(followed).problems
        assert followed.problem
        assert followed.problem_since is not None
    finally:
        own.start()

    assert again(followed).problems == []
    assert TrackingServer.objects.get(pk=followed.pk).problem == ""
    assert (told("server.failed"), told("server.recovered")) == (1, 1)


def test_a_run_that_started_from_a_logged_model_names_the_version_it_was_registered_as(
    own: Own, made: str, followed: TrackingServer, auditor: User
) -> None:
    base = Version.objects.get(model__name="tumour-classifier", number=1)
    run = own.client.create_run(own.client.create_experiment(f"{made}-tuned")).info
    own.client.log_inputs(run.run_id, models=[LoggedModelInput(base.logged_model_id)])
    source = next((own.folder / "artifacts").rglob("MLmodel")).parent
    own.client.log_artifacts(run.run_id, str(source), "model")
    number = own.client.create_model_version(made, f"{run.artifact_uri}/model", run.run_id).version
    again(followed)

    tuned = Version.objects.select_related("run").get(model__name=made, number=int(number))
    (stock,) = bom.of(tuned, auditor).bases

    assert tuned.run
    assert tuned.run.model_inputs == [base.logged_model_id]
    assert (stock.version, stock.base.said_by) == (base, "the run's model inputs")
    assert tuned.pk in affected.standing_on(f"models:/{base.logged_model_id}", auditor).why


def test_a_paused_server_is_not_read(own: Own, made: str, followed: TrackingServer, machine: User) -> None:
    servers.pause(server=followed, by=machine)
    own.client.set_registered_model_alias(made, "champion", "2")

    again(followed)
    assert Model.objects.get(name=made).aliases.get().version.number == 1

    servers.resume(server=followed, by=machine)
    again(followed)
    assert Model.objects.get(name=made).aliases.get().version.number == 2
