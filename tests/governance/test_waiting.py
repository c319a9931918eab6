"""Who has waited for a row sees it as it is then, with all that is joined to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from governance.actions import accounts, conditions, policies, service_accounts
from governance.models import PolicyVersion, ReviewCondition
from registry.errors import Conflict, Refused
from registry.models import Revision
from tests import factories
from tests.governance.test_clearance import wait_until_somebody_waits_for_us

pytestmark = pytest.mark.django_db(transaction=True)


def after(first: Callable[[], object], then: Callable[[], object]) -> Any:
    """What `then` returns or raises when it comes while `first` is done and not yet committed."""
    outcome: list[object] = []

    def act() -> None:
        try:
            outcome.append(then())
        except Exception as error:  # noqa: BLE001 - an outcome to be looked at
            outcome.append(error)
        finally:
            connection.close()

    later = threading.Thread(target=act)
    with transaction.atomic():
        first()
        later.start()
        wait_until_somebody_waits_for_us()
    later.join(timeout=30)
    return outcome[0]


def test_the_later_of_two_savers_is_told_who_saved_what() -> None:
    version = factories.version()
    factories.save(version)

    told = after(
        lambda: factories.save(version, mark="mine", by=factories.member("owner", "anna"), on_top_of=1),
        lambda: factories.save(version, mark="yours", by=factories.member("owner", "otto"), on_top_of=1),
    )

    assert isinstance(told, Conflict)
    assert "Revision 2 was saved by anna" in str(told)
    assert Revision.objects.filter(document=version.card).count() == 2


def test_the_later_of_two_who_publish_a_first_policy_is_told() -> None:
    version, owner = factories.version(), factories.member("owner")
    given = {"model": version.model, "environment": "production", "on_top_of": 0, "by": owner}
    policies.save_draft(content=factories.rules("user:owner"), based_on=0, **given)

    told = after(
        lambda: policies.publish(content=factories.rules("user:owner"), **given),
        lambda: policies.publish(content=factories.rules("group:reviewer"), **given),
    )

    assert isinstance(told, Conflict)
    assert PolicyVersion.objects.count() == 1


def test_a_condition_that_is_passed_on_meanwhile_is_settled_as_what_it_is_then() -> None:
    """Its new owner may not confirm it; the old one's successor is known, and nothing is lost on the way."""
    review = factories.submitted_review()
    factories.sign_off(review, by=factories.member("reviewer"), conditions=[factories.wish()])
    condition = ReviewCondition.objects.get()
    successor = factories.member("reviewer", "rita")

    told = after(
        lambda: accounts.switch_off(
            account=condition.owner, reason="Left.", successor=successor, by=factories.member("admin")
        ),
        lambda: conditions.fulfil(condition=condition, note="Done.", by=successor),
    )

    assert isinstance(told, Refused)
    assert "yours to fulfil" in str(told)


def test_a_service_account_that_is_passed_on_meanwhile_is_there_for_who_may_end_it() -> None:
    admin, other = factories.member("admin"), factories.member("admin", "adele")
    service = service_accounts.make(name="bot", sponsor=admin, purpose="Scores.", by=admin)

    ended = after(
        lambda: service_accounts.pass_on(account=service, sponsor=other, by=admin),
        lambda: service_accounts.end(account=service, by=other),
    )

    assert ended.sponsor == other
    assert not ended.account.is_active
