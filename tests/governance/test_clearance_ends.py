"""Clearance ends in the transaction of whatever it rested on, by each door through which that can change."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.models import Entry
from governance.models import Clearance
from registry.actions import catalogue, changes, data, documents, imports, systems
from registry.documents.proposals import accept
from registry.mlflow.facts import ModelFacts
from registry.models import User, Version
from registry.sync import contents
from tests import factories

pytestmark = pytest.mark.django_db
Change = Callable[[Version], object]


@pytest.fixture
def cleared() -> Version:
    """A version that may serve."""
    version = factories.approved_version()
    assert allowed(version)
    return version


def allowed(version: Version) -> bool:
    """Whether it may serve somewhere."""
    return Clearance.objects.filter(version=version, allowed=True).exists()


def unmet(version: Version) -> set[str]:
    """Why it may not serve in production."""
    row = Clearance.objects.get(version=version, environment="production")
    return {condition["reason"] for condition in row.unmet}


def used(name: str, context: str = "training") -> dict[str, Any]:
    """A dataset as a tracking server tells that a run used it."""
    told = {"name": name, "weak_digest": "5f1b7c2e", "source_type": "local", "source": ""}
    return {**told, "schema": {}, "profile": {}, "context": context}


def again(version: Version, *inputs: dict[str, Any]) -> None:
    """The run of `version` is read again, and names these inputs."""
    assert version.run
    data.record_run(
        server=version.run.server, run_id=version.run.run_id, facts={}, inputs=inputs, by=User.machine()
    )


def moved(version: Version, source: str = "s3://elsewhere/model") -> None:
    """The tracking server now tells another source of `version`."""
    told = dataclasses.replace(contents.told(version), source=source)
    model = version.model
    changes.bring_in_step(
        model=model,
        told=ModelFacts(model.name, model.description, model.created_at, {}, model.tags),
        new=[],
        changed=[told],
        gone=[],
        seen_by="reconcile",
        by=User.machine(),
    )


def with_system(change: Callable[..., object], **given: Any) -> Change:
    """`change` of the system that uses the model."""
    return lambda version: change(system=version.model.systems.get(), by=factories.member("owner"), **given)


def edited(**facts: str) -> Change:
    """The system says something else."""

    def change(version: Version) -> None:
        system = version.model.systems.get()
        stays = {
            name: getattr(system, name) for name in ("name", "intended_purpose", "operator_role", "team")
        }
        systems.edit(system=system, **(stays | facts), on_top_of=system.edition, by=factories.member("owner"))

    return change


def imported_pipeline(version: Version) -> None:
    lock = "schema: '2.0'\nstages:\n  train:\n    cmd: python train.py\n"
    imports.take(name="dvc.lock", raw=lock.encode(), about=version, by=factories.member("owner"))


ENDS: dict[str, tuple[Change, str]] = {
    "card saved": (lambda v: factories.save(v, mark="anew"), "card_changed"),
    "file imported into the card": (lambda v: factories.imported(UNHEARD, about=v), "card_changed"),
    "datasheet saved": (lambda v: factories.save(factories.training_data(v), mark="anew"), "datasheet_changed"),
    "file changed": (lambda v: factories.manifest(v, "b"), "artifact_changed"),
    "files gone": (lambda v: data.mark_files_gone(version=v, problem="", by=User.machine()), "artifact_gone"),
    "files elsewhere": (moved, "artifact_moved"),
    "more training data": (lambda v: again(v, used("scraped")), "datasheet_missing"),
    "model gone": (lambda v: changes.mark_gone(model=v.model, seen_by="reconcile", by=User.machine()), "model_gone"),
    "system retired": (with_system(systems.retire, reason="Replaced."), "risk_no_system"),
    "purpose changed": (edited(intended_purpose="Something else."), "risk_outdated"),
    "role changed": (edited(operator_role="deployer"), "risk_outdated"),
    "out of the system": (lambda v: with_system(systems.remove_model, model=v.model)(v), "risk_no_system"),
    "risk class changed": (lambda v: factories.decide(v.model.systems.get(), "high"), "risk_changed"),
}  # fmt: skip
UNHEARD = "---\nlicense: mit\nnew_field: 1\n---\n# Model Card for it\n\n## Glossary\n\nWords that nobody has written.\n"
STAYS: dict[str, Change] = {
    "another name of the system": edited(name="Another name"),
    "another team": edited(team="Model risk"),
    "an alias moves": lambda v: catalogue.move_aliases(
        model=v.model, aliases={"champion": 1}, by=User.machine()
    ),
    "the same files again": factories.manifest,
    "the same run again": again,
    "data for evaluation": lambda v: again(v, used("held-out", "evaluation")),
    "a pipeline is imported": imported_pipeline,
}


@pytest.mark.parametrize("door", ENDS)
def test_clearance_ends_at_once(cleared: Version, door: str) -> None:
    change, reason = ENDS[door]

    change(cleared)

    assert not allowed(cleared)
    assert reason in unmet(cleared)


@pytest.mark.parametrize("door", STAYS)
def test_what_it_does_not_rest_on_changes_nothing(cleared: Version, door: str) -> None:
    STAYS[door](cleared)

    assert allowed(cleared)


def test_an_alias_clears_nothing() -> None:
    version = factories.version()

    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=User.machine())

    assert not allowed(version)


def test_files_that_lie_elsewhere_are_cleared_again_when_hashed_there_and_as_approved(
    cleared: Version,
) -> None:
    stale = Version.objects.get(pk=cleared.pk)
    moved(cleared)

    factories.manifest(stale)  # a hash of the place before, begun before the move was seen
    assert not allowed(cleared)

    factories.manifest(Version.objects.get(pk=cleared.pk))
    assert allowed(cleared)
    assert Entry.objects.filter(kind="version.source_hashed").count() == 1


def test_other_files_elsewhere_are_at_no_moment_cleared(cleared: Version) -> None:
    moved(cleared)
    granted = Entry.objects.filter(kind="clearance.granted").count()

    factories.manifest(Version.objects.get(pk=cleared.pk), "b")

    assert unmet(cleared) == {"artifact_changed"}
    assert Entry.objects.filter(kind="clearance.granted").count() == granted


def test_the_database_refuses_a_move_without_the_word_and_a_clearance_after_it(cleared: Version) -> None:
    with pytest.raises(IntegrityError, match="moves without a word"), transaction.atomic():
        Version.objects.filter(pk=cleared.pk).update(source="s3://elsewhere/model")
    moved(cleared)

    with pytest.raises(IntegrityError, match="were not hashed"), transaction.atomic():
        Clearance.objects.filter(version=cleared).update(allowed=True)


def test_a_second_version_of_the_same_run_that_names_more_data_is_told_of_the_first(cleared: Version) -> None:
    second = factories.unread_version(model=cleared.model, number=2)
    assert cleared.run

    data.record_contents(
        version=second,
        run=(cleared.run.run_id, {}, [used("scraped")]),
        model_file={},
        proposals=[],
        files=[{"path": "model.skops", "sha256": "c" * 64, "size": 1}],
        by=User.machine(),
    )

    assert not allowed(cleared)
    entry = Entry.objects.get(kind="version.training_data_added")
    assert entry.actor == User.machine().username
    assert "scraped" in bytes(entry.body).decode()


def test_a_model_that_was_made_again_under_its_name_inherits_nothing(cleared: Version) -> None:
    changes.mark_gone(model=cleared.model, seen_by="reconcile", by=User.machine())
    made = factories.model(server=cleared.model.server, name=cleared.model.name)
    again_ = catalogue.register_version(
        model=made, number=1, registered_at=timezone.now(), run=cleared.run, facts={}, by=User.machine()
    )
    factories.manifest(again_)

    assert not allowed(again_)
    assert not allowed(cleared)
    assert {"card_missing", "risk_no_system"} <= unmet(again_)
    assert made.slug != cleared.model.slug


def test_accepting_a_proposal_is_a_change_of_the_card() -> None:
    version = factories.version()
    factories.system(model=version.model)
    factories.save(factories.training_data(version))
    content = factories.complete("card")
    content["unaccepted"] = {"model_details.overview": "the run"}
    documents.save(about=version, content=content, on_top_of=0, by=factories.member("owner"))
    before = Version.objects.select_related("card__head").get(pk=version.pk).card.head
    assert before

    settled = accept(before.content, ["model_details.overview"])
    after = documents.save(about=version, content=settled, on_top_of=1, by=factories.member("owner"))

    assert after.number == 2
    assert after.digest != before.digest
