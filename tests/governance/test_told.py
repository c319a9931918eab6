"""What somebody may be told: the rule of the database is the rule of the pages, for each thing a notice is about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, models
from django.utils import timezone

from governance.actions import service_accounts
from governance.models import Notice, Token
from registry.models import Document, Model, User
from tests import factories

pytestmark = pytest.mark.django_db


def version(model: Model) -> models.Model:
    return factories.version(model=model)


def card(model: Model) -> models.Model:
    return Document.objects.create(kind="card", version=factories.version(model=model))


def datasheet(model: Model) -> models.Model:
    used = factories.version(model=model).run.inputs.get().snapshot.dataset
    return Document.objects.create(kind="datasheet", dataset=used)


def token(model: Model) -> models.Model:
    return factories.token(model, owner=holder(model), by=holder(model))[0]


def tagged(model: Model) -> models.Model:
    Model.objects.filter(pk=model.pk).update(tags={"team": "credit"})
    return factories.token(owner=holder(model), by=holder(model), tag=("team", "credit"))[0]


def holder(model: Model) -> User:
    """Somebody who may issue a token for the model."""
    somebody = factories.member("owner", "holder")
    factories.share(model, somebody)
    return somebody


def noted(thing: models.Model, person: User, by: User) -> Notice:
    kind = "document" if isinstance(thing, Document) else str(thing._meta.model_name)
    return Notice.objects.create(
        person=person,
        kind="review.asked",
        cause=f"x:{thing.pk}",
        about="x:1",
        text="x",
        path="/x",
        by=by,
        made_at=timezone.now(),
        **{kind: thing},
    )


@pytest.mark.parametrize("role", ["", "owner", "reviewer", "compliance", "auditor", "admin"])
@pytest.mark.parametrize("shared", ["nobody", "role", "person"])
@pytest.mark.parametrize("about", [version, card, datasheet, token, tagged], ids=lambda one: one.__name__)
def test_the_database_tells_what_the_pages_show(
    role: str, shared: str, about: Callable[[Model], models.Model], outsider: User
) -> None:
    who = factories.member(role, "somebody") if role else outsider
    model = factories.model(shared=shared == "role")
    if shared == "person":
        factories.share(model, who)
    thing = about(model)
    row = noted(thing, who, factories.member("admin"))

    for active in (True, False):
        User.objects.filter(pk=who.pk).update(is_active=active)
        user = User.objects.get(pk=who.pk)
        shown = type(thing).objects.visible_to(user).filter(pk=thing.pk).exists()  # type: ignore[attr-defined]
        assert Notice.objects.visible_to(user).filter(pk=row.pk).exists() is shown


def test_a_sponsor_is_told_of_the_tokens_of_the_service_account_and_a_stranger_is_not(outsider: User) -> None:
    model = factories.model(shared=False)
    sponsor = holder(model)
    account = service_accounts.make(
        name="bot", sponsor=sponsor, purpose="Scores.", by=factories.member("admin")
    ).account
    factories.share(model, account)
    made, _ = factories.token(model, owner=account, by=sponsor)
    boss = factories.member("admin")

    for person, told in ((sponsor, True), (account, True), (outsider, False)):
        row = noted(made, person, boss)
        assert Token.objects.visible_to(person).filter(pk=made.pk).exists() is told
        assert Notice.objects.visible_to(person).filter(pk=row.pk).exists() is told


def test_what_is_about_nothing_that_could_be_hidden_is_told(outsider: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cardinal_told(%s, NULL, NULL, NULL)", [outsider.pk])
        assert cursor.fetchone() == (True,)
        cursor.execute("SELECT cardinal_told(%s, NULL, NULL, NULL)", [outsider.pk + 1000])
        assert cursor.fetchone() == (False,)
