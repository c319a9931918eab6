"""The review cockpit: what there is to look at comes first, the rest is folded away."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from governance.actions import threads
from governance.models import Review
from registry.models import User
from tests import factories

pytestmark = pytest.mark.django_db
AsUser = Callable[[User], Client]
FOLDED = re.compile(r'<details class="folded">.*?</details>', re.DOTALL)


@pytest.fixture
def changed() -> Review:
    """A card that was approved once, and waits again with another overview."""
    version = factories.approved_version()
    factories.save(version, mark="since the spring")
    return factories.resubmit(version)


def looked_at(page: str) -> tuple[set[str], set[str]]:
    """The paths of the fields in sight, and of those folded away."""
    folded = set(re.findall(r'id="f-([\w.]+)"', "".join(FOLDED.findall(page))))
    return set(re.findall(r'id="f-([\w.]+)"', page)) - folded, folded


def test_what_changed_is_in_sight_and_the_rest_is_folded(changed: Review, as_user: AsUser) -> None:
    page = as_user(factories.member("reviewer")).get(changed.get_absolute_url()).content.decode()

    in_sight, folded = looked_at(page)
    assert "model_details.overview" in in_sight
    assert {"model_details.task", "model_details.licence"} <= folded
    assert not in_sight & folded
    assert "as approved" in page
    assert page.index('id="f-model_details.overview"') < page.index('id="f-model_details.task"')


def test_a_field_that_is_talked_about_is_in_sight(changed: Review, as_user: AsUser) -> None:
    reviewer = factories.member("reviewer")
    threads.begin(revision=changed.revision, path="model_details.task", text="Which?", by=reviewer)

    in_sight, _ = looked_at(as_user(reviewer).get(changed.get_absolute_url()).content.decode())

    assert "model_details.task" in in_sight


def test_before_the_first_approval_everything_that_says_something_is_in_sight(as_user: AsUser) -> None:
    review = factories.submitted_review()

    page = as_user(factories.member("reviewer")).get(review.get_absolute_url()).content.decode()

    in_sight, folded = looked_at(page)
    assert {"model_details.name", "model_details.overview"} <= in_sight
    assert folded
    assert "?show=changed" not in page


def test_all_fields_are_shown_when_asked_for(changed: Review, as_user: AsUser) -> None:
    page = (
        as_user(factories.member("reviewer")).get(f"{changed.get_absolute_url()}?show=all").content.decode()
    )

    in_sight, folded = looked_at(page)
    assert {"model_details.name", "model_details.overview"} <= in_sight
    assert folded == set()
