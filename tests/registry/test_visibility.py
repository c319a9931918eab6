"""What one may not see does not exist."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db.models import Model as Row

from audit.models import Entry
from registry.actions import teams
from registry.errors import Missing, Refused
from registry.models import Dataset, Document, Model, Revision, System, User, Version
from registry.permissions import can, can_see, require
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(db: None) -> Version:
    """A cleared version, whose card was changed since."""
    version = factories.approved_version()
    factories.save(version, mark="since then")
    return version


def seen(model: type[Row], user: User) -> set[object]:
    return set(model._default_manager.visible_to(user).values_list("pk", flat=True))  # type: ignore[attr-defined]


def test_a_share_opens_one_model_and_all_that_belongs_to_it(version: Version, outsider: User) -> None:
    factories.approved_version()  # another model, with documents of its own

    factories.share(version.model, outsider)

    assert seen(Model, outsider) == {version.model.pk}
    assert seen(Version, outsider) == {version.pk}
    assert seen(Dataset, outsider) == {factories.training_data(version).pk}
    assert seen(Document, outsider) == {version.card.pk, factories.training_data(version).datasheet.pk}
    assert seen(System, outsider) == {version.model.systems.get().pk}
    assert Revision.objects.visible_to(outsider).count() == 3  # two of the card, one of the datasheet


def test_a_share_with_a_group_reaches_its_members_only(outsider: User) -> None:
    model = factories.model(shared=False)
    team = factories.team()
    factories.share(model, team.group)
    assert seen(Model, outsider) == set()

    teams.add(team=team, user=outsider, by=factories.member("admin"))

    assert seen(Model, outsider) == {model.pk}


def test_a_new_model_is_hidden_until_it_is_shared(owner: User, reviewer: User, compliance: User) -> None:
    model = factories.model(shared=False)

    assert seen(Model, owner) == seen(Model, reviewer) == set()
    assert seen(Model, compliance) == {model.pk}


def test_a_dataset_is_seen_through_any_model_that_used_it(outsider: User) -> None:
    hidden = factories.version(model=factories.model(shared=False), dataset="applicants")
    shared = factories.version(dataset="applicants")
    factories.share(shared.model, outsider)

    assert seen(Dataset, outsider) == {factories.training_data(hidden).pk}
    assert not can_see(outsider, hidden)


def test_an_account_that_is_switched_off_sees_nothing(version: Version, auditor: User) -> None:
    auditor.is_active = False
    auditor.save()

    assert seen(Model, User.objects.get(pk=auditor.pk)) == set()


def test_an_account_that_is_switched_off_loses_what_was_shared_with_it(
    version: Version, outsider: User
) -> None:
    factories.share(version.model, outsider)
    outsider.is_active = False
    outsider.save()

    assert seen(Model, User.objects.get(pk=outsider.pk)) == set()


def test_the_trail_shows_others_only_their_own_deeds(version: Version, owner: User) -> None:
    assert set(Entry.objects.visible_to(owner).values_list("actor", flat=True)) == {"owner"}


def test_invisible_is_told_before_forbidden(version: Version, outsider: User, reviewer: User) -> None:
    with pytest.raises(Missing):
        require(outsider, "registry.write_document", on=version)
    with pytest.raises(Refused):
        require(reviewer, "registry.write_document", on=version)


def test_a_refusal_says_what_to_do(outsider: User) -> None:
    verdict = can(outsider, "registry.write_document")

    assert not verdict
    assert [reason.code for reason in verdict.reasons] == ["role_missing"]
    assert all(reason.remedy for reason in verdict.reasons)


def test_visibility_of_something_without_a_rule_is_an_error_and_not_a_yes(owner: User) -> None:
    with pytest.raises(TypeError):
        can_see(owner, import_module("registry.models").Run())
