"""The page of a card offers what the verb would accept, and says what stands in the way of the rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from governance.actions import reviews
from governance.models import Review
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db
As = Callable[[User], Client]
BUTTON = "Submit for review"


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


def page(browser: Client, version: Version) -> str:
    place = [version.model.slug, version.number]
    return browser.get(reverse("version-card", args=place)).content.decode()


def test_a_newer_revision_waits_until_the_review_of_the_older_one_is_closed(
    version: Version, owner: User, as_user: As
) -> None:
    review = factories.submitted_review(version)
    factories.save(version, mark="newer")
    browser = as_user(owner)

    shown = page(browser, version)
    refused = browser.post(reverse("version-submit", args=[version.model.slug, version.number]))

    assert "An older revision is in review" in shown
    assert BUTTON not in shown
    assert refused.status_code == 409

    reviews.withdraw(review=review, by=review.submitted_by)

    assert BUTTON in page(browser, version)


def test_what_is_in_review_is_not_offered_again(version: Version, owner: User, as_user: As) -> None:
    factories.submitted_review(version)

    shown = page(as_user(owner), version)

    assert BUTTON not in shown
    assert "An older revision" not in shown


def test_an_approval_that_no_longer_holds_is_asked_for_again(owner: User, as_user: As) -> None:
    version = factories.approved_version()
    browser = as_user(owner)
    assert BUTTON not in page(browser, version)

    factories.save(factories.training_data(version), mark="other data")

    assert "Approved, and outdated since" in page(browser, version)
    answer = browser.post(reverse("version-submit", args=[version.model.slug, version.number]))
    assert answer.status_code == 302
    assert Review.objects.filter(document__version=version, state="in_review").count() == 1


def test_the_page_of_a_revision_leads_to_its_review_and_submits_nothing(
    version: Version, owner: User, as_user: As
) -> None:
    review = factories.submitted_review(version)

    shown = as_user(owner).get(review.revision.get_absolute_url()).content.decode()

    assert BUTTON not in shown
    assert reverse("version-card", args=[version.model.slug, version.number]) in shown
