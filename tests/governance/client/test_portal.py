"""The typed client against the portal as it runs: every part once, and lists over more than one page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from governance.client import NotThere, Portal, Refused, wire
from registry.actions import catalogue
from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def owner(transactional_db: None) -> User:
    return factories.member("owner")


@pytest.fixture
def portal(live_server: Any, owner: User) -> Iterator[Portal]:
    _, secret = factories.token(owner=owner, actions=(), portal=("read", "sync", "report", "token"))
    with Portal.at(live_server.url, secret.text) as opened:
        yield opened


def test_every_part_reads_what_the_portal_answers(portal: Portal, owner: User) -> None:
    version = factories.approved_version()
    slug, sheet = version.model.slug, factories.training_data(version)
    catalogue.move_aliases(model=version.model, aliases={"champion": 1}, by=factories.member("admin"))
    factories.policy(version.model, "group:owner")
    token, _ = factories.token(version.model)

    assert [one.slug for one in portal.models.list()] == [slug]
    assert portal.models.get(slug).aliases[0].name == "champion"
    assert [one.number for one in portal.models.versions(slug)] == [1]
    assert (portal.models.version(slug, 1).run or pytest.fail("no run")).metrics == {"auc": 0.9}
    assert portal.models.number_of(f"{slug}@champion") == portal.models.number_of(f"{slug}/1") == 1
    assert [one.slug for one in portal.datasets.list()] == [sheet.slug]
    assert portal.datasets.get(sheet.slug).has_datasheet
    assert portal.documents.card(slug, 1).digest == version.card.head.digest
    assert portal.documents.datasheet(sheet.slug).number == 1
    assert portal.clearances.of(slug, 1).allowed
    (review,) = portal.reviews.list(model=slug)
    assert (portal.reviews.get(review.id), review.state) == (review, "approved")
    assert portal.policies.get(slug).sentences
    assert list(portal.decisions.list(model=slug, since=timezone.now() - timedelta(days=1))) == []
    assert [one.model for one in portal.access.of_account(owner.username)] == [slug]
    assert portal.access.of_token(str(token.pk))[0].actions == {"predict": "always"}
    assert portal.access.why(slug, caller=owner.username, version="champion").allowed
    assert str(token.pk) in {one.id for one in portal.tokens.list(state="active")}
    assert portal.servers.get(version.model.server.name).uri == version.model.server.uri
    assert list(portal.reports.list(model=slug)) == []
    assert portal.wire.get("systems/").data["results"]


def test_what_is_not_there_and_what_is_not_allowed_are_told_apart(portal: Portal) -> None:
    with pytest.raises(NotThere) as missing:
        portal.models.get("there-is-none")
    with pytest.raises(Refused, match="introspect"):
        portal.tokens.introspect("crd_p")

    assert missing.value.status == 404
    assert len(missing.value.request_id) > 7


def test_a_list_goes_over_as_many_pages_as_there_are(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "PAGE", 2)
    made = {factories.model().slug for _ in range(5)}

    found = [one.slug for one in portal.models.list()]
    first = [one.slug for one in portal.models.list(limit=3)]

    assert sorted(found) == sorted(made)
    assert first == found[:3]


def test_a_report_is_ordered_and_stands_in_the_list(portal: Portal) -> None:
    version = factories.approved_version()

    made = portal.reports.order(version.model.slug, 1)

    assert made.is_under_way
    assert portal.reports.get(made.id) == next(portal.reports.list(state="ordered"))


def test_waiting_looks_less_and_less_often(portal: Portal) -> None:
    review = factories.submitted_review()
    slug, pauses = review.document.version.model.slug, list[float]()

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            factories.approve(review)

    found = portal.clearances.wait(lambda: portal.clearances.of(slug, 1), 600, sleep=pause)

    assert found.allowed
    assert pauses == [1, 2, 4]
