"""Lineage of real rows: what a version came from, what came of it, and who may know."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry import lineage, sync
from registry.actions import documents, servers, systems
from registry.documents.content import blank
from registry.lineage import affected, bases, bom, packages
from registry.lineage.graph import Graph
from registry.models import Dataset, DatasetSnapshot, Document, System, User, Version
from tests import factories
from tests.registry.lineage_rows import COMMIT, furnished, made, named
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db


def said(graph: Graph) -> set[tuple[str, str, str]]:
    """The edges by the kinds at their ends."""
    kinds = {node.id: node.kind for node in graph.nodes}
    return {(kinds[edge.source], edge.relation, kinds[edge.target]) for edge in graph.edges}


def labels(graph: Graph, kind: str) -> list[str]:
    return [node.label for node in graph.nodes if node.kind == kind]


def test_a_version_is_told_in_the_words_of_prov(auditor: User) -> None:
    version = furnished()

    graph = lineage.of_version(version, auditor)

    assert said(graph) == {
        ("snapshot", "specializationOf", "dataset"),
        ("run", "used", "snapshot"),
        ("run", "used", "commit"),
        ("run", "used", "environment"),
        ("run", "wasAssociatedWith", "person"),
        ("run", "wasAssociatedWith", "server"),
        ("server", "actedOnBehalfOf", "person"),
        ("version", "wasAttributedTo", "person"),
        ("version", "wasGeneratedBy", "run"),
        ("version", "hadMember", "manifest"),
        ("manifest", "wasGeneratedBy", "run"),
        ("version", "wasDerivedFrom", "file"),
        ("file", "wasGeneratedBy", "stage"),
        ("stage", "used", "file"),
        ("endpoint", "serves", "version"),
        ("system", "partOf", "version"),
    }
    facts = {fact for node in graph.nodes for fact in node.facts}
    assert ("Package scikit_learn", "1.5.0") in facts
    assert ("Parameter depth", "3") in facts
    assert ("Commit", COMMIT) in facts
    assert any("weak" in value for label, value in facts if label == "MLflow digest")


def test_what_a_stage_wrote_is_what_the_next_one_read(auditor: User) -> None:
    graph = lineage.of_version(furnished(), auditor)

    stages = graph.without("file")
    kinds = {node.id: node.label for node in stages.nodes}
    assert ("train", "clean") in {(kinds[e.source], kinds[e.target]) for e in stages.edges}
    assert labels(graph, "file") == ["data/raw.csv", "data/clean.csv", "model.pkl"]


def test_a_version_without_run_and_files_is_a_node_alone(auditor: User, machine: User) -> None:
    from django.utils import timezone

    from registry.actions import catalogue

    version = catalogue.register_version(
        model=factories.model(), number=1, registered_at=timezone.now(), run=None, facts={}, by=machine
    )

    graph = lineage.of_version(version, auditor)

    assert [node.id for node in graph.nodes] == [f"version-{version.pk}"]
    assert bom.of(version, auditor).files == []


def test_base_models_are_followed_both_ways_and_over_generations(auditor: User) -> None:
    first = made(dataset="corpus")
    server = factories.model(server=first.model.server)
    second = made(model=server, base=named(first))
    third = made(model=server, number=2, base=f"{second.model.name} v{second.number}")

    of_third = lineage.of_version(third, auditor)
    assert set(labels(of_third.upstream(f"version-{third.pk}"), "version")) == {
        str(first),
        str(second),
        str(third),
    }
    assert "corpus" in labels(of_third, "dataset"), "data of a base model are data of what stands on it"
    of_first = lineage.of_version(first, auditor)
    assert set(labels(of_first.downstream(f"version-{first.pk}"), "version")) == {
        str(first),
        str(second),
        str(third),
    }
    assert labels(of_third, "base") == []


def test_versions_that_name_each_other_do_no_harm(auditor: User) -> None:
    model = factories.model()
    one = made(model=model, base=f"{model.name}/2")
    other = made(model=model, number=2, base=f"{model.name}/1")

    graph = lineage.of_version(one, auditor)

    assert set(labels(graph.upstream(f"version-{one.pk}"), "version")) == {str(one), str(other)}


@pytest.mark.parametrize(
    "name",
    ["models:/{m}/1", "{m}/1", "{m} v1", "models:/m-abc", "m-abc"],
)
def test_a_version_is_meant_by_its_names_on_its_own_server_only(auditor: User, name: str) -> None:
    parent = made()
    Version.objects.filter(pk=parent.pk).update(logged_model_id="m-abc")
    here = made(model=factories.model(server=parent.model.server), base=name.format(m=parent.model.name))
    elsewhere = made(base=name.format(m=parent.model.name))

    assert labels(lineage.of_version(here, auditor), "base") == []
    assert labels(lineage.of_version(elsewhere, auditor), "base") == [name.format(m=parent.model.name)]
    parent.refresh_from_db()
    assert set(labels(lineage.of_version(parent, auditor), "version")) == {str(parent), str(here)}


def test_an_alias_stays_a_name(auditor: User) -> None:
    parent = made()
    child = made(
        model=factories.model(server=parent.model.server), base=f"models:/{parent.model.name}@champion"
    )

    assert labels(lineage.of_version(child, auditor), "base") == [f"models:/{parent.model.name}@champion"]


def test_a_card_names_base_models_too_in_its_latest_revision_only(owner: User, auditor: User) -> None:
    parent = made()
    child = made(model=factories.model(server=parent.model.server))
    content = blank("card")
    content["model_details"]["base_models"] = [
        {"name": str(parent), "relation": "fine-tuned", "link": ""},
        {"name": "bert-base", "relation": "", "link": ""},
    ]
    documents.save(about=child, content=content, on_top_of=0, by=owner)

    graph = lineage.of_version(child, auditor)
    assert labels(graph, "base") == ["bert-base"]
    assert set(labels(lineage.of_version(parent, auditor), "version")) == {str(parent), str(child)}
    assert affected.standing_on("bert-base", auditor).why == {child.pk: "Names bert-base as its base model"}

    documents.save(about=child, content=blank("card"), on_top_of=1, by=owner)
    assert labels(lineage.of_version(parent, auditor), "version") == [str(parent)]
    assert affected.standing_on("bert-base", auditor).why == {}


# Who may know


@pytest.fixture
def hidden(db: None) -> tuple[Version, Version]:
    """A version that the owners see, and one on the same data and the same server, made from it, that they do not."""
    seen = furnished("loans")
    secret = factories.model(server=seen.model.server, shared=False, name="secret-model")
    below = made(model=secret, dataset="loans", base=named(seen))
    made(model=seen.model, number=2, dataset="loans", base=named(below))
    return seen, below


def test_what_one_may_not_see_is_left_out(
    hidden: tuple[Version, Version], owner: User, auditor: User
) -> None:
    seen, below = hidden
    dataset = Dataset.objects.get(name="loans")
    system = System.objects.get()
    systems.add_model(system=system, model=below.model, by=factories.member("compliance"))

    for build, about in (
        (lineage.of_version, seen),
        (lineage.of_dataset, dataset),
        (lineage.of_system, system),
    ):
        assert "secret-model v1" in labels(build(about, auditor), "version"), build
        told = repr(build(about, owner).nodes)
        assert f"version-{below.pk}'" not in told, build
        assert f"run-{below.run_id}'" not in told, build
    assert below.pk in affected.learned_from(dataset, auditor).why
    assert below.pk not in affected.learned_from(dataset, owner).why


def test_a_base_model_out_of_sight_is_the_name_that_the_run_gives_it(
    hidden: tuple[Version, Version], owner: User
) -> None:
    seen, below = hidden
    child = Version.objects.get(model=seen.model, number=2)

    graph = lineage.of_version(child, owner)

    (node,) = [node for node in graph.nodes if node.kind == "base"]
    assert (node.label, node.url) == (named(below), "")
    assert bom.of(child, owner).bases[0].version is None


def test_an_outsider_sees_no_lineage(hidden: tuple[Version, Version], outsider: User) -> None:
    seen, _ = hidden
    dataset = Dataset.objects.get(name="loans")

    assert labels(lineage.of_dataset(dataset, outsider), "version") == []
    assert labels(lineage.of_system(System.objects.get(), outsider), "version") == []
    for found in (
        affected.learned_from(dataset, outsider),
        affected.containing("numpy", "", outsider),
        affected.from_commit(COMMIT, outsider),
        affected.standing_on(named(seen), outsider),
    ):
        assert found == affected.Found({})


# What is affected


def test_who_learned_from_a_dataset_and_what_stands_on_those(auditor: User) -> None:
    first = made(dataset="loans")
    derived = made(model=factories.model(server=first.model.server), base=named(first))
    made(dataset="other")

    found = affected.learned_from(Dataset.objects.get(name="loans"), auditor)

    assert found.why == {first.pk: "Learned from snapshot 5f1b7c2e", derived.pk: f"Derived from {first}"}
    assert found.more == 0


def test_who_learned_from_one_snapshot_only(auditor: User) -> None:
    first, second = made(dataset="loans"), factories.version(dataset="loans")
    dataset = Dataset.objects.get(name="loans")

    found = affected.learned_from(dataset, auditor, DatasetSnapshot.objects.get(weak_digest="5f1b7c2e"))

    assert set(found.why) == {first.pk}
    assert set(affected.learned_from(dataset, auditor).why) == {first.pk, second.pk}


def test_evaluation_is_no_learning(auditor: User) -> None:
    version = made(dataset="loans")
    version.run.inputs.update(context="evaluation")  # type: ignore[union-attr]

    assert affected.learned_from(Dataset.objects.get(name="loans"), auditor).why == {}


def test_which_versions_contain_a_package(auditor: User) -> None:
    pinned = made(packages=["Scikit.Learn [extra] == 1.5.0 ; python_version > '3.8'"])
    other = made(packages=["scikit-learn==1.6.0"])
    loose = made(packages=["scikit_learn>=1.4"])
    made(packages=["scikit-learn-extra==1.5.0"])
    made(packages="no list")

    exact = affected.containing("scikit-learn", "1.5.0", auditor).why
    assert set(exact) == {pinned.pk, loose.pk}
    assert exact[pinned.pk].startswith("Names ")
    assert exact[loose.pk] == "Leaves the version open: scikit_learn>=1.4"
    assert set(affected.containing("SCIKIT_LEARN", "", auditor).why) == {pinned.pk, other.pk, loose.pk}


def test_which_versions_ran_a_commit(auditor: User) -> None:
    one = made()
    made(commit="deadbeef" * 5)

    assert set(affected.from_commit(COMMIT, auditor).why) == {one.pk}
    assert set(affected.from_commit(COMMIT[:7].upper(), auditor).why) == {one.pk}
    assert affected.from_commit(COMMIT[:6], auditor).why == {}


def test_what_stands_on_a_version_by_any_of_its_names(auditor: User) -> None:
    first = made()
    server = factories.model(server=first.model.server)
    second = made(model=server, base=named(first))
    third = made(model=server, number=2, base=named(second))

    found = affected.standing_on(str(first), auditor)

    assert set(found.why) == {second.pk, third.pk}


LINES = st.one_of(
    st.from_regex(
        r"[A-Za-z0-9._ -]{1,12}(\[[a-z,]{0,4}\])?[ ]?(==|===|>=|~=|!=)?[ ]?[0-9.*]{0,4}( ?; ?[a-z<'3]{0,5})?",
        fullmatch=True,
    ),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
    st.integers(),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(LINES, max_size=4))
def test_the_database_reads_requirements_by_the_same_rule(lines: list[object]) -> None:
    from django.db.models import JSONField, Value

    row = (
        User.objects.filter(username="cardinal")
        .annotate(found=packages.Keys(Value({"packages": lines}, JSONField())))
        .values_list("found", flat=True)
        .get()
    )

    assert set(row) == packages.keys(packages.parse(lines))


@pytest.mark.parametrize("held", ["[]", "{}", "null", '{"packages": "x"}', '{"packages": {"a": 1}}', '"x"'])
def test_odd_model_files_have_no_packages(held: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinal_packages(%s::jsonb)", [held])
        assert cursor.fetchone() == ([],)


# The bill of materials


def test_a_bill_of_materials_names_everything_with_its_digest(auditor: User) -> None:
    version = furnished()
    sheet = factories.save(Dataset.objects.get(name="loans"))

    found = bom.of(version, auditor)

    assert found.python == "3.11.7"
    assert found.mlflow == "3.17.2"
    assert [material.datasheet for material in found.data] == [sheet]
    assert [stage.name for stage in found.stages] == ["clean", "train"]
    table = list(bom.rows(found))
    assert ("file", "model.skops", "", "10", "SHA-256", "a" * 64) in table
    assert ("package", "numpy", "numpy>=2", "", "", "") in table
    assert ("dataset (training)", "loans", "", "", "MLflow (weak)", "5f1b7c2e") in table
    assert ("datasheet", "loans", "1", "", "SHA-256", sheet.digest) in table
    assert ("commit", "https://git.example/credit", "", "", "git", COMMIT) in table
    assert {len(row) for row in table} == {6}


# How much it asks


def test_a_longer_family_costs_no_more_queries(auditor: User) -> None:
    first = furnished("loans")
    server = first.model.server
    dataset, system = Dataset.objects.get(name="loans"), System.objects.get()

    def grow(start: int, end: int) -> None:
        for _ in range(start, end):
            child = made(model=factories.model(server=server), dataset="loans", base=named(first))
            systems.add_model(system=system, model=child.model, by=factories.member("compliance"))

    def cost() -> list[int]:
        asked = []
        for build, about in (
            (lineage.of_version, first),
            (lineage.of_dataset, dataset),
            (lineage.of_system, system),
        ):
            with CaptureQueriesContext(connection) as queries:
                build(about, auditor)
            asked.append(len(queries))
        return asked

    grow(0, 2)
    cost()  # the permissions of the account are remembered from now on
    few = cost()
    grow(2, 20)

    assert cost() == few
    assert max(few) <= 12


def test_more_versions_than_are_drawn_are_counted(auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.lineage import builders

    monkeypatch.setattr(builders, "MOST_VERSIONS", 2)
    for _ in range(5):
        factories.version(dataset="loans")

    graph = lineage.of_dataset(Dataset.objects.get(name="loans"), auditor)

    assert len(labels(graph, "version")) == 2
    assert graph.more == (("version", 3),)


def test_a_real_tracking_server_gives_runs_data_code_and_packages(
    tracking_server: Tracking, machine: User, auditor: User
) -> None:
    server = servers.add(name="real", uri=tracking_server.uri, by=machine)
    assert sync.read(server, by=machine).problems == []

    for version in Version.objects.all():
        graph = lineage.of_version(version, auditor)
        assert {("version", "wasGeneratedBy", "run"), ("run", "used", "environment")} <= said(graph)
        assert ("run", "used", "snapshot") in said(graph)
    scorer = Version.objects.get(model__name="credit-scorer", number=1)
    installed = bom.of(scorer, auditor).packages
    (sklearn,) = [package for package in installed if package.key == "scikit-learn"]
    assert scorer.pk in affected.containing("scikit-learn", sklearn.number, auditor).why
    assert scorer.pk not in affected.containing("scikit-learn", "0.0.1", auditor).why


def test_documents_of_datasets_name_no_base_models(owner: User) -> None:
    version = made(dataset="loans")
    factories.save(Dataset.objects.get(name="loans"), by=owner)

    assert Document.objects.filter(head__isnull=False).exists()
    assert not Version.objects.filter(bases.saying(["x"]), pk=version.pk).exists()


def test_a_member_of_a_group_sees_what_the_group_sees(hidden: tuple[Version, Version], owner: User) -> None:
    _, below = hidden
    factories.share(below.model, Group.objects.get(name="owner"))

    assert below.pk in affected.learned_from(Dataset.objects.get(name="loans"), owner).why
