"""What holds for the whole of a system is decided by somebody who sees the whole of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from governance.models import Clearance
from registry.actions import systems
from registry.errors import Refused
from registry.models import System, User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]


@pytest.fixture
def system(owner: User) -> System:
    """In service, with a cleared version that `owner` sees, and a model that is not shared with them."""
    one = factories.approved_version().model.systems.get()
    hidden = factories.model(shared=False)
    one.models.add(hidden)
    return one


def edited(system: System, by: User, **changed: Any) -> System:
    facts = {name: getattr(system, name) for name in ("name", "intended_purpose", "operator_role", "team")}
    return systems.edit(system=system, **({"on_top_of": system.edition} | facts | changed), by=by)


def test_a_part_does_not_retire_the_whole(system: System, owner: User) -> None:
    with pytest.raises(Refused) as caught:
        systems.retire(system=system, reason="Mine is gone.", by=owner)

    assert System.objects.get().retired_at is None
    assert Clearance.objects.filter(allowed=True).exists()
    (reason,) = caught.value.verdict.reasons
    assert reason.code == "system_seen_in_part"
    hidden = system.models.exclude(pk__in=type(system.models.first()).objects.visible_to(owner)).get()
    assert hidden.name not in f"{reason.sentence} {reason.remedy}"
    assert not any(sign.isdigit() for sign in f"{reason.sentence} {reason.remedy}"), "it counts nothing"


@pytest.mark.parametrize("changed", [{"intended_purpose": "Another."}, {"operator_role": "importer"}])
def test_nor_changes_what_its_risk_class_was_decided_about(
    changed: dict[str, str], system: System, owner: User
) -> None:
    with pytest.raises(Refused):
        edited(system, owner, **changed)

    assert Clearance.objects.filter(allowed=True).exists()


def test_name_and_team_are_free(system: System, owner: User) -> None:
    assert edited(system, owner, team="Letters", name="Post").team == "Letters"


def test_whoever_is_shown_the_rest_may(system: System, owner: User) -> None:
    for model in system.models.all():
        factories.share(model, owner)

    assert systems.retire(system=system, reason="Replaced.", by=owner).retired_at


def test_a_model_added_meanwhile_counts(owner: User) -> None:
    """Read by the verb under its lock, not by the page before."""
    one = factories.approved_version().model.systems.get()
    assert one.is_seen_whole_by(owner)
    one.models.add(factories.model(shared=False))

    with pytest.raises(Refused):
        systems.retire(system=one, reason="Replaced.", by=owner)


def test_the_pages_and_the_interface_say_so(system: System, owner: User, as_user: AsUser) -> None:
    browser, place = as_user(owner), system.get_absolute_url()
    shown = browser.get(place).content.decode()

    assert "Retire this system" not in shown
    assert "Somebody who sees all of its models may retire it" in shown
    assert "You may change its name and team" in browser.get(f"{place}edit/").content.decode()
    assert browser.get(f"{place}retire/").status_code == 403
    assert browser.post(f"{place}retire/", {"reason": "x"}).status_code == 403
    answer = browser.post(
        f"/api/v1/systems/{system.slug}/retirement/",
        json.dumps({"reason": "x"}),
        content_type="application/json",
        headers={"If-Match": "*"},
    )
    assert answer.status_code == 403
    assert System.objects.get().retired_at is None
