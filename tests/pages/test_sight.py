"""What one may not see is named nowhere, also where it hangs on what one may see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from governance.actions import filters
from registry import drafts
from registry.actions import catalogue, changes, hooks, systems
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
NAME = "zebra"


@pytest.fixture
def spy(db: None) -> User:
    """An owner of another model: the role, and one share."""
    return factories.member("owner", "spy")


@pytest.fixture
def mine(spy: User) -> Version:
    """What the spy may see."""
    version = factories.version(model=factories.model(shared=False, name="open"), dataset="shared-data")
    factories.share(version.model, spy)
    return version


@pytest.fixture
def hidden(mine: Version, spy: User) -> Version:
    """What the spy may not see, on the same server, data and system, and derived from what they see."""
    ada = factories.member("owner", "ada")
    model = factories.model(server=mine.model.server, name=f"{NAME}-model", shared=False)
    factories.share(model, ada)
    version = factories.version(model=model, dataset="shared-data")
    catalogue.move_aliases(model=model, aliases={f"{NAME}-alias": 1}, by=User.machine())
    Version.objects.filter(pk=version.pk).update(
        tags={"base_model": "models:/open/1", "team": f"{NAME}-team"}
    )
    factories.save(version, mark=f"{NAME}words", by=ada)
    factories.imported(factories.README + f"\n{NAME}\n", about=version, by=ada)
    unread = factories.unread_version(model=model, number=2)
    changes.note_unread(version=unread, problem=f"no {NAME} there", by=User.machine())
    hooks.keep_delivery(
        server=model.server, delivery_id="1", event="registered_model.created", model=model.name, body=b"[]",
        by=User.machine(),
    )  # fmt: skip
    filters.save(page="models", name=f"{NAME} watch", query=f"q={NAME}", by=ada)
    drafts.keep(about=mine, typed=f"model_details.overview={NAME}", by=ada)
    factories.share(mine.model, factories.member("owner"))
    system = factories.system(model=mine.model)
    systems.add_model(system=system, model=model, by=factories.member("compliance"))
    return version


def addresses(mine: Version) -> list[str]:
    """Every page and answer about what the spy sees, and every list."""
    version, data = [mine.model.slug, mine.number], [factories.training_data(mine).slug]
    model, system, server = [mine.model.slug], [mine.model.systems.get().slug], [mine.model.server.name]
    named: list[tuple[str, list[Any]]] = [
        ("home", []), ("models", []), ("models-csv", []), ("systems", []), ("systems-csv", []), ("datasets", []),
        ("datasets-csv", []), ("imports", []), ("servers", []), ("server", server), ("dataset", data),
        ("dataset-lineage", data), ("datasheet-edit", data), ("system", system), ("system-lineage", system),
        ("model", model), ("model-ledger", model), ("version", version), ("version-facts", version),
        ("version-lineage", version), ("version-bom", version), ("version-bom-csv", version), ("card-edit", version),
        ("version-history", version), ("api-models", []), ("api-systems", []), ("api-datasets", []),
        ("api-imports", []), ("api-roles", []), ("api-saved-filters", []), ("api-model", model), ("api-ledger", model),
        ("api-version-lineage", version), ("api-version-prov", version), ("api-version-bom", version),
        ("api-dataset", data), ("api-dataset-lineage", data), ("api-dataset-affected", data), ("api-system", system),
    ]  # fmt: skip
    asked = [
        f"{reverse(name)}?base=models:/{base}/1"
        for name in ("affected", "api-affected")
        for base in ("open", "nothing")
    ]
    searched = [
        f"{reverse(name)}?q={word}" for name in ("search", "api-search") for word in ("words", "open", "7")
    ]
    return [*(reverse(name, args=given) for name, given in named), *asked, *searched]


def test_nothing_that_one_sees_names_what_one_does_not(
    mine: Version, hidden: Version, spy: User, as_user: AsUser
) -> None:
    browser, told, strange = as_user(spy), [], []
    for address in addresses(mine):
        answer = browser.get(address, follow=True)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        if answer.status_code != 200:
            strange.append((answer.status_code, address))
        if NAME in body.decode().lower():
            told.append(address)

    assert told == []
    assert strange == []


def test_whoever_sees_everything_sees_it_on_the_servers_page(
    hidden: Version, admin: User, as_user: AsUser
) -> None:
    page = as_user(admin).get(reverse("server", args=[hidden.model.server.name])).content.decode()

    assert page.count(f"{NAME}-model") >= 2  # what was delivered, and what waits to be read


def test_who_has_an_account_is_not_learned_by_trying_to_share(
    mine: Version, spy: User, as_user: AsUser
) -> None:
    factories.member("owner", "ada")
    Group.objects.get_or_create(name="quiet")
    browser = as_user(spy)

    answers = {
        browser.post(reverse("model-share", args=[mine.model.slug]), {"audience": one}).status_code
        for one in ("user:ada", "user:nobody-here", "group:quiet", "group:none", "")
    }

    assert answers == {403}
