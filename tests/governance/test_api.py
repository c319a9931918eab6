"""Control by REST: the whole way from a card to a clearance, and every rule on it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from audit.models import Entry
from governance import policies
from governance.middleware import ContentSecurityPolicy
from governance.models import Decision, Review, RiskDecision, Token
from governance.models.decisions import Batch
from registry.models import User, Version
from tests import factories

pytestmark = pytest.mark.django_db

API = "/api/v1"
AsUser = Callable[[User], Client]


@pytest.fixture
def version(db: None) -> Version:
    return factories.version()


@pytest.fixture
def place(version: Version) -> str:
    return f"{API}/models/{version.model.slug}/versions/{version.number}/"


def post(browser: Client, url: str, body: Any) -> Any:
    return browser.post(url, json.dumps(body), content_type="application/json")


def put(browser: Client, url: str, body: Any, **headers: str) -> Any:
    return browser.put(url, json.dumps(body), content_type="application/json", headers=headers)


def decided(model: str, *, allowed: bool = False, reason: str = "card_missing") -> Decision:
    """A decision as the gate writes it."""
    now = timezone.now()
    batch = Batch.objects.create(writer="gate", count=1, allowed=int(allowed), root="0" * 64, written_at=now)
    return Decision.objects.create(
        batch=batch,
        decided_at=now,
        allowed=allowed,
        reason=reason,
        environment="production",
        model=model,
        version=1,
        action="predict",
        caller="owner",
        token=str(uuid.uuid4()),
        method="POST",
        door="proxy",
        digest="0" * 64,
    )


class TestReviews:
    def test_the_way_from_a_card_to_a_clearance(
        self, version: Version, place: str, owner: User, reviewer: User, compliance: User, as_user: AsUser
    ) -> None:
        """Everything that leads to a clearance can be done by REST, and the clearance says at each step what is missing."""
        system = factories.system(model=version.model, risk_class="")
        sheet = f"{API}/datasets/{factories.training_data(version).slug}/datasheet/"

        def missing() -> list[str]:
            told = as_user(owner).get(f"{place}clearance/?environment=production").json()
            assert told["allowed"] is not bool([one for one in told["conditions"] if not one["met"]])
            return [one["reason"] for one in told["conditions"] if not one["met"]]

        assert missing() == ["risk_undecided", "datasheet_missing", "card_missing"]
        risk = {"risk_class": "high", "rationale": "Annex III, 5(b)."}
        assert post(as_user(compliance), f"{API}/systems/{system.slug}/risk/", risk).status_code == 201
        assert put(as_user(owner), sheet, {"content": factories.complete("datasheet")}).status_code == 201
        card = put(as_user(owner), f"{place}card/", {"content": factories.complete("card")})
        assert missing() == ["card_not_approved"]

        review = post(as_user(owner), f"{place}reviews/", {"digest": card.json()["digest"]})
        assert review.status_code == 201
        assert missing() == ["card_in_review"]
        judgement = {
            "outcome": "approve",
            "digest": review.json()["digest"],
            "checked": [one["key"] for one in review.json()["rule"]["checklist"]],
            "password": factories.PASSWORD,
        }
        first, second = (
            post(
                as_user(factories.with_password(judge)), f"{review.headers['Location']}judgement/", judgement
            )
            for judge in (reviewer, compliance)
        )

        assert (first.json()["state"], first.json()["wanted"]) == ("in_review", ["compliance"])
        assert second.json()["state"] == "approved"
        assert [one["by"] for one in second.json()["judgements"]] == ["reviewer", "compliance"]
        assert missing() == []

    def test_nobody_judges_what_they_wrote(self, version: Version, as_user: AsUser) -> None:
        both = factories.member("owner", "both")
        both = factories.member("reviewer", both.username)
        factories.system(model=version.model)
        factories.save(factories.training_data(version))
        factories.save(version, by=both)
        own = factories.resubmit(version)

        answer = post(
            as_user(User.objects.get(pk=both.pk)),
            f"{API}/reviews/{own.pk}/judgement/",
            {"outcome": "approve", "digest": own.digest},
        )

        assert answer.status_code == 403
        assert answer.json()["reasons"][0]["code"] == "four_eyes_author"
        assert Entry.objects.filter(kind="action.refused", actor="both").count() == 1

    def test_what_was_not_read_is_not_judged(self, version: Version, reviewer: User, as_user: AsUser) -> None:
        review = factories.submitted_review(version)
        judge = f"{API}/reviews/{review.pk}/judgement/"

        assert post(as_user(reviewer), judge, {"outcome": "approve", "digest": "0" * 64}).status_code == 409
        bare = post(as_user(reviewer), judge, {"outcome": "request_changes", "digest": review.digest})
        assert bare.status_code == 400
        assert "comment" in bare.json()["errors"]
        assert Review.objects.get(pk=review.pk).state == "in_review"

    def test_an_older_revision_or_none_is_not_submitted(
        self, version: Version, place: str, owner: User, as_user: AsUser
    ) -> None:
        assert post(as_user(owner), f"{place}reviews/", {}).status_code == 400
        older = factories.save(version)
        factories.save(version, mark="new")

        assert post(as_user(owner), f"{place}reviews/", {"digest": older.digest}).status_code == 409

    def test_reviews_are_searched_and_hidden(
        self, version: Version, reviewer: User, outsider: User, as_user: AsUser
    ) -> None:
        review = factories.submitted_review(version)

        def found(query: str, by: User = reviewer) -> list[int]:
            return [row["id"] for row in as_user(by).get(f"{API}/reviews/{query}").json()["results"]]

        assert found(f"?state=in_review&model={version.model.slug}") == [review.pk]
        assert found("?state=approved") == []
        assert found("", outsider) == []
        assert as_user(outsider).get(f"{API}/reviews/{review.pk}/").status_code == 404
        assert as_user(reviewer).get(f"{API}/reviews/?state=x").status_code == 400


class TestClearance:
    def test_of_an_unknown_environment_or_a_hidden_version(
        self, place: str, owner: User, outsider: User, as_user: AsUser
    ) -> None:
        assert as_user(owner).get(f"{place}clearance/?environment=moon").status_code == 400
        assert as_user(owner).get(f"{place}clearance/").json()["environment"] == "production"
        assert as_user(outsider).get(f"{place}clearance/").status_code == 404


class TestSystems:
    def test_a_system_is_registered_and_found(self, compliance: User, as_user: AsUser) -> None:
        body = {"name": "Credit scoring", "intended_purpose": "Loans.", "operator_role": "provider"}

        made = post(as_user(compliance), f"{API}/systems/", body)

        assert made.status_code == 201
        assert as_user(compliance).get(made.headers["Location"]).json() == made.json()
        assert post(as_user(compliance), f"{API}/systems/", body).status_code == 400

    def test_only_compliance_decides_the_risk_class(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        system = factories.system(model=version.model, risk_class="")
        body = {"risk_class": "minimal", "rationale": "Because."}

        assert post(as_user(owner), f"{API}/systems/{system.slug}/risk/", body).status_code == 403
        assert not RiskDecision.objects.exists()


class TestPolicies:
    def test_rules_are_published_on_top_of_what_was_read(
        self, version: Version, owner: User, as_user: AsUser
    ) -> None:
        place = f"{API}/policies/{version.model.slug}/production/"
        rules = factories.rules("group:owner")["rules"]
        assert as_user(owner).get(place).status_code == 404

        first = put(as_user(owner), place, {"rules": rules})
        blind = put(as_user(owner), place, {"rules": factories.rules("user:owner")["rules"]})
        second = put(
            as_user(owner),
            place,
            {"rules": factories.rules("user:owner")["rules"]},
            **{"If-Match": first.headers["ETag"]},
        )
        late = put(as_user(owner), place, {"rules": rules}, **{"If-Match": first.headers["ETag"]})

        assert [answer.status_code for answer in (first, blind, second, late)] == [201, 428, 200, 412]
        assert first.json()["sentences"] == policies.sentences({"schema": policies.SCHEMA, "rules": rules})
        assert as_user(owner).get(place).json() == second.json()
        assert second.json()["number"] == 2

    @pytest.mark.parametrize(
        "rule",
        [
            {"effect": "allow", "subjects": ["user:nobody"], "actions": ["predict"]},
            {"effect": "allow", "subjects": ["owner"], "actions": ["predict"]},
            {"effect": "allow", "subjects": ["group:owner"], "actions": ["fly"]},
            {"effect": "allow", "subjects": ["user:\x00"], "actions": ["predict"]},
            {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"], "until": "2027-01-01"},
            {
                "effect": "allow",
                "subjects": ["group:owner"],
                "actions": ["predict"],
                "valid_until": "2027-01-01",
            },
            "allow",
        ],
    )
    def test_a_rule_that_cannot_be_understood_is_not_published(
        self, rule: Any, version: Version, owner: User, as_user: AsUser
    ) -> None:
        answer = put(as_user(owner), f"{API}/policies/{version.model.slug}/production/", {"rules": [rule]})

        assert answer.status_code == 400
        assert any(path.startswith("rules") for path in answer.json()["errors"])

    def test_only_owners_publish_and_hidden_models_have_no_policy(
        self, version: Version, auditor: User, outsider: User, as_user: AsUser
    ) -> None:
        place = f"{API}/policies/{version.model.slug}/production/"

        assert put(as_user(auditor), place, {"rules": []}).status_code == 403
        assert put(as_user(outsider), place, {"rules": []}).status_code == 404
        assert as_user(auditor).get(f"{API}/policies/{version.model.slug}/moon/").status_code == 404


class TestTokens:
    @pytest.fixture
    def wish(self, version: Version) -> dict[str, Any]:
        return {
            "name": "scoring",
            "models": [version.model.slug],
            "environment": "production",
            "expires_at": (timezone.now() + timedelta(days=30)).isoformat(),
        }

    def test_the_secret_is_told_once(self, wish: dict[str, Any], owner: User, as_user: AsUser) -> None:
        made = post(as_user(owner), f"{API}/tokens/", wish)

        secret = made.json()["secret"]
        assert made.status_code == 201
        assert made.headers["Cache-Control"] == "no-store"
        assert secret.startswith(made.json()["prefix"])
        for place in (made.headers["Location"], f"{API}/tokens/", f"{API}/trail/"):
            assert secret not in as_user(owner).get(place).content.decode()
        assert Token.objects.get().digest not in as_user(owner).get(made.headers["Location"]).content.decode()

    def test_a_token_is_ended_and_stays_in_the_list(
        self, version: Version, owner: User, reviewer: User, as_user: AsUser
    ) -> None:
        token, _ = factories.token(version.model)
        place = f"{API}/tokens/{token.pk}/"

        answers = [
            as_user(reviewer).delete(place),
            as_user(owner).delete(place),
            as_user(owner).delete(place),
        ]

        assert [answer.status_code for answer in answers] == [404, 204, 409]
        assert as_user(owner).get(place).json()["state"] == "revoked"
        found = (
            as_user(owner).get(f"{API}/tokens/?state=revoked&model={version.model.slug}").json()["results"]
        )
        assert [row["id"] for row in found] == [str(token.pk)]
        assert as_user(owner).get(f"{API}/tokens/?state=active").json()["results"] == []

    def test_who_may_not_issue_learns_nothing_about_accounts(
        self, wish: dict[str, Any], outsider: User, as_user: AsUser
    ) -> None:
        told = [
            post(as_user(outsider), f"{API}/tokens/", wish | {"owner": name})
            for name in ("outsider", "nobody")
        ]

        assert [answer.status_code for answer in told] == [403, 403]
        assert told[0].json()["detail"] == told[1].json()["detail"]

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"owner": "nobody"}, "owner"),
            ({"models": ["hidden"]}, "models"),
            ({"models": []}, "models"),
            ({"actions": ["fly"]}, "actions"),
            ({"expires_at": "2999-01-01T00:00:00Z"}, "expires_at"),
            ({"expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ],
    )
    def test_what_is_wrong_is_said_by_field(
        self, change: dict[str, Any], field: str, wish: dict[str, Any], owner: User, as_user: AsUser
    ) -> None:
        factories.model(name="hidden", shared=False)

        answer = post(as_user(owner), f"{API}/tokens/", wish | change)

        assert answer.status_code == 400
        assert field in answer.json()["errors"]
        assert not Token.objects.exists()

    def test_a_token_does_not_tell_of_models_that_one_may_not_see(
        self, version: Version, as_user: AsUser
    ) -> None:
        secret = factories.model(shared=False)
        factories.share(secret, factories.member("owner"))
        factories.token(version.model, secret)

        told = as_user(factories.member("owner", "colleague")).get(f"{API}/tokens/").json()["results"]

        assert [row["models"] for row in told] == [[version.model.slug]]


class TestDecisions:
    def test_decisions_are_searched_by_whom_they_are_shared_with(
        self, version: Version, owner: User, auditor: User, outsider: User, as_user: AsUser
    ) -> None:
        refused, allowed = (
            decided(version.model.slug),
            decided(version.model.slug, allowed=True, reason="allowed"),
        )
        unknown = decided("nothing")

        def found(by: User, **chosen: str) -> set[str]:
            rows = as_user(by).get(f"{API}/decisions/", chosen).json()["results"]
            return {row["id"] for row in rows}

        assert found(auditor) == {str(refused.pk), str(allowed.pk), str(unknown.pk)}
        assert found(owner) == {str(refused.pk), str(allowed.pk)}
        assert found(owner, answer="allowed") == {str(allowed.pk)}
        assert found(owner, reason="card_missing", model=version.model.slug, caller="owner") == {
            str(refused.pk)
        }
        assert found(owner, until="2020-01-01T00:00:00Z") == set()
        assert as_user(owner).get(f"{API}/decisions/{unknown.pk}/").status_code == 404
        assert as_user(owner).get(f"{API}/decisions/{refused.pk}/").json()["reason"] == "card_missing"
        assert as_user(outsider).get(f"{API}/decisions/").status_code == 403


@pytest.mark.parametrize("count", [2, 20])
def test_a_longer_list_asks_no_more_queries(
    count: int, owner: User, as_user: AsUser, django_assert_num_queries: Any
) -> None:
    for _ in range(count):
        version = factories.version()
        factories.approve(factories.submitted_review(version))
        factories.token(version.model)
        decided(version.model.slug)
    browser = as_user(owner)
    browser.get(f"{API}/models/")  # the session moves into the cache

    # Always: who asks, and what the role allows (two). Then what is named.
    for place, queries in {
        "reviews/": 6,  # reviews with what they are about, judgements, conditions
        "systems/": 7,  # which fit, systems bare, with their risk class, models
        "tokens/": 5,  # tokens with their people, models
        "decisions/": 4,  # decisions
    }.items():
        with django_assert_num_queries(queries):
            assert len(browser.get(f"{API}/{place}").json()["results"]) == count


class TestSchema:
    def test_the_description_is_for_who_is_signed_in(self, outsider: User, as_user: AsUser) -> None:
        assert Client().get(f"{API}/schema/").status_code == 401
        told = as_user(outsider).get(f"{API}/schema/?format=json")

        assert told.json()["openapi"].startswith("3.1")
        assert (
            as_user(outsider)
            .get(f"{API}/schema/")
            .headers["Content-Type"]
            .startswith("application/vnd.oai.openapi")
        )

    def test_the_page_to_read_it_holds_under_the_strict_content_policy(
        self, outsider: User, as_user: AsUser
    ) -> None:
        page = as_user(outsider).get(f"{API}/docs/")
        text = page.content.decode()

        assert page.headers["Content-Security-Policy"] == ContentSecurityPolicy.POLICY
        assert text.count("<script") == text.count('<script src="/static/') == 3
        assert "<style" not in text
        assert " style=" not in text
        assert "csrftoken" in page.cookies
        assert Client().get(f"{API}/docs/").status_code == 302
