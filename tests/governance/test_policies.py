"""Access policies: default deny, an explicit deny wins, and what is not understood never lets anybody in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from governance.actions import policies as verbs
from governance.models import Policy, PolicyVersion
from governance.policies import ACTIONS, Query, evaluate, problems, sentences
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import User
from tests import factories

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUERY = Query(caller="anna", groups=frozenset({"risk-team"}), action="predict", at=NOW)


def rule(effect: str = "allow", *subjects: str, **parts: Any) -> dict[str, Any]:
    return {"effect": effect, "subjects": list(subjects) or ["user:anna"], "actions": ["predict"]} | parts


def policy(*rules: Any) -> dict[str, Any]:
    return {"schema": "cardinal/policy/1", "rules": list(rules)}


def test_a_token_may_carry_exactly_the_actions_that_a_policy_can_speak_of() -> None:
    from governance.models import Token

    assert tuple(Token.Action.values) == ACTIONS


def hours(number: int) -> str:
    return (NOW + timedelta(hours=number)).isoformat()


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ([rule()], ""),
        ([rule("allow", "group:risk-team")], ""),
        ([rule("allow", "user:bert", "group:risk-team")], ""),
        ([rule("allow", "user:bert"), rule()], ""),
        ([rule("allow", "user:bert")], "policy_does_not_allow"),
        ([rule("allow", "group:anna")], "policy_does_not_allow"),
        ([rule("allow", "user:risk-team")], "policy_does_not_allow"),
        ([rule("allow", "user:ann")], "policy_does_not_allow"),
        ([], "policy_does_not_allow"),
        ([rule("deny")], "policy_denies"),
        ([rule("deny"), rule()], "policy_denies"),
        ([rule(), rule("deny")], "policy_denies"),
        ([rule(), rule("deny", "group:risk-team")], "policy_denies"),
        ([rule(), rule("deny", "user:bert")], ""),
        ([rule(valid_from=hours(-1), valid_until=hours(1))], ""),
        ([rule(valid_from=hours(0))], ""),
        ([rule(valid_until=hours(0))], "policy_validity"),
        ([rule(valid_from=hours(1))], "policy_validity"),
        ([rule(valid_until=hours(-1))], "policy_validity"),
        ([rule(), rule("deny", valid_until=hours(-1))], ""),
        ([rule(valid_until="2026-11-23T13:30:00+02:00")], "policy_validity"),
        ([rule(valid_until="2026-11-23T14:30:00+02:00")], ""),
        # not understood: an allow does not allow, a deny denies
        ([rule(colour="red")], "policy_does_not_allow"),
        ([rule(valid_until="tomorrow")], "policy_does_not_allow"),
        ([rule(valid_until="2027-01-01T00:00:00")], "policy_does_not_allow"),
        ([rule(actions=["predict", "fly"])], "policy_does_not_allow"),
        ([rule(actions="predict")], "policy_does_not_allow"),
        ([rule(subjects="user:anna")], "policy_does_not_allow"),
        ([rule(), rule("deny", "user:bert", colour="red")], "policy_denies"),
        ([rule(), "nonsense"], ""),
    ],
)
def test_what_the_rules_say(rules: list[Any], code: str) -> None:
    answer = evaluate(policy(*rules), QUERY)

    assert [reason.code for reason in answer.reasons] == ([code] if code else [])


@pytest.mark.parametrize("content", [None, {}])
def test_no_policy_denies(content: Any) -> None:
    assert [reason.code for reason in evaluate(content, QUERY).reasons] == ["no_policy"]


@pytest.mark.parametrize(
    "content", [{"rules": [rule()]}, policy() | {"schema": "cardinal/policy/3"}, policy() | {"rules": {}}]
)
def test_another_schema_denies(content: Any) -> None:
    assert [reason.code for reason in evaluate(content, QUERY).reasons] == ["policy_malformed"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        ["allow", "deny", "user:anna", "group:risk-team", "predict", "cardinal/policy/1", hours(1)]
    )
    | st.sampled_from(
        ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-05:00", "2026-02-30T00:00:00Z", "20261123T120000Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["schema", "rules", "effect", "subjects", "actions", "valid_from", "valid_until", "extra"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(content=JSON | JSON.map(lambda rules: {"schema": "cardinal/policy/1", "rules": rules}))
@settings(max_examples=600, deadline=None)
@example(content=[1])
@example(content="text")
@example(content=7)
def test_any_json_gives_a_verdict_and_never_lets_in_what_could_not_be_published(content: Any) -> None:
    answer = evaluate(content, QUERY)

    if answer:
        understood = [one for one in content["rules"] if not problems(policy(one))]
        assert evaluate(policy(*understood), QUERY), "what lets in is a rule that could be published"


@given(rules=st.lists(JSON, max_size=4), place=st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_a_deny_wins_wherever_it_stands(rules: list[Any], place: int) -> None:
    answer = evaluate(policy(*rules[:place], rule("deny"), *rules[place:]), QUERY)

    assert [reason.code for reason in answer.reasons] == ["policy_denies"]


@given(content=JSON)
@settings(max_examples=200, deadline=None)
def test_problems_are_sentences_for_any_json(content: Any) -> None:
    assert all(problem.endswith(".") for problem in problems(content))


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_at_the_edge_of_the_calendar_is_no_accident(edge: str) -> None:
    """Either it cannot be published, or it can be evaluated and read."""
    content = policy(rule(valid_from=edge, valid_until=edge))

    evaluate(content, QUERY)

    if not problems(content):
        assert sentences(content)


def test_a_policy_reads_as_sentences() -> None:
    content = policy(
        rule("allow", "user:anna", "group:risk-team", valid_from="2026-11-23T12:00:00+00:00"),
        rule("deny", "user:bert", valid_until="2026-11-23T14:00:00+02:00"),
    )

    assert sentences(content) == [
        "The account anna and members of the team risk-team may predict from 2026-11-23 12:00 UTC.",
        "The account bert may not predict until 2026-11-23 12:00 UTC.",
    ]


@pytest.mark.django_db
class TestPublishing:
    def test_a_published_version_is_in_force(self, owner: User) -> None:
        model = factories.model()

        version = factories.policy(model)

        assert Policy.objects.get(model=model).in_force == version
        assert evaluate(version.content, Query("x", frozenset({"owner"}), "predict", NOW))

    def test_equal_content_makes_no_second_version(self, owner: User) -> None:
        model = factories.model()

        assert factories.policy(model) == factories.policy(model, on_top_of=1)

    def test_two_who_edit_at_once_do_not_overwrite_each_other(self, owner: User) -> None:
        model = factories.model()
        factories.policy(model)

        with pytest.raises(Conflict):
            factories.policy(model, "group:reviewer", on_top_of=0)

    def test_names_that_nobody_has_are_refused(self, owner: User) -> None:
        with pytest.raises(Invalid, match=r"no account named nobody\..*no role or team named nowhere"):
            factories.policy(factories.model(), "user:nobody", "group:nowhere")

    def test_an_unknown_environment_is_refused(self, owner: User) -> None:
        with pytest.raises(Invalid, match="environment"):
            factories.policy(factories.model(), environment="live")

    @pytest.mark.parametrize("content", [{}, [], policy(), policy({"effect": "allow"})])
    def test_what_cannot_be_understood_is_not_published(self, owner: User, content: Any) -> None:
        with pytest.raises(Invalid):
            verbs.publish(
                model=factories.model(), environment="production", content=content, on_top_of=0, by=owner
            )

    def test_only_owners_publish_and_only_for_models_they_see(self, reviewer: User) -> None:
        with pytest.raises(Refused):
            verbs.publish(
                model=factories.model(),
                environment="staging",
                content=factories.rules(),
                on_top_of=0,
                by=reviewer,
            )
        with pytest.raises(Missing):
            factories.policy(factories.model(shared=False))

    def test_a_published_version_never_changes(self, owner: User) -> None:
        factories.policy(factories.model())

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            PolicyVersion.objects.update(body=b"{}")
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("DELETE FROM governance_policyversion")
