"""Drafts that several edit, test cases that a policy carries, and versions that never change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.actions import policies as verbs
from governance.models import Policy, PolicyDraft, PolicyVersion
from governance.policies import SCHEMA, merge, trial_faults, trials
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import Model, User, Version
from tests import factories

RULE: dict[str, Any] = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}
TEST: dict[str, Any] = {
    "name": "The owners get in", "who": "user:owner", "groups": ["owner"], "action": "predict",
    "at": "2026-11-23T12:00:00+00:00", "expect": "allow",
}  # fmt: skip


def policy(*rules: Any, tests: list[Any] | None = None) -> dict[str, Any]:
    return {"schema": SCHEMA, "rules": list(rules)} | ({"tests": tests} if tests is not None else {})


@pytest.fixture
def model(db: None) -> Model:
    return factories.model()


def save(
    model: Model,
    content: Any,
    on_top_of: PolicyDraft | None = None,
    by: User | None = None,
    based_on: int = 0,
) -> PolicyDraft:
    return verbs.save_draft(
        model=model, environment="production", content=content, on_top_of=on_top_of.pk if on_top_of else 0,
        based_on=based_on,
        by=by or factories.member("owner"),
    )  # fmt: skip


def publish(model: Model, content: Any, on_top_of: int = 0) -> PolicyVersion:
    return verbs.publish(
        model=model,
        environment="production",
        content=content,
        on_top_of=on_top_of,
        by=factories.member("owner"),
    )


class TestDrafts:
    def test_a_draft_decides_nothing_and_need_not_be_right(self, model: Model) -> None:
        draft = save(model, {"rules": [{"effect": "perhaps"}]})

        assert draft.content == {"rules": [{"effect": "perhaps"}]}
        assert Policy.objects.get().in_force is None

    def test_nobody_overwrites_what_they_have_not_read(self, model: Model) -> None:
        first = save(model, policy(RULE))
        save(model, policy(RULE, RULE | {"effect": "deny"}), first)

        with pytest.raises(Conflict, match="owner saved"):
            save(model, policy(), first, by=factories.member("owner", "second"))

        assert len(PolicyDraft.objects.latest("pk").content["rules"]) == 2

    def test_a_page_of_a_draft_that_is_gone_does_not_overwrite_the_next_one(self, model: Model) -> None:
        old = save(model, policy(RULE))
        verbs.discard_draft(
            model=model, environment="production", on_top_of=old.pk, by=factories.member("owner")
        )
        save(model, policy(RULE, RULE))

        with pytest.raises(Conflict):
            save(model, policy(), old)

    def test_saving_the_same_makes_no_second_state(self, model: Model) -> None:
        first = save(model, policy(RULE))

        assert save(model, policy(RULE), first) == first

    def test_publishing_ends_the_draft(self, model: Model) -> None:
        save(model, policy(RULE))

        publish(model, policy(RULE))

        assert not PolicyDraft.objects.exists()

    def test_a_draft_that_says_something_else_outlives_a_version(self, model: Model) -> None:
        draft = save(model, policy(RULE, RULE | {"effect": "deny"}))

        publish(model, policy(RULE))

        assert PolicyDraft.objects.get() == draft
        with pytest.raises(Conflict):  # it was typed to replace nothing, and there is a version now
            save(model, policy(RULE), draft)
        assert save(model, policy(RULE), draft, based_on=1).based_on == 1

    def test_only_who_publishes_drafts(self, model: Model, reviewer: User, outsider: User) -> None:
        with pytest.raises(Refused):
            save(model, policy(RULE), by=reviewer)
        with pytest.raises(Missing):
            save(model, policy(RULE), by=outsider)

    def test_a_draft_is_not_discarded_unread(self, model: Model) -> None:
        first = save(model, policy(RULE))
        save(model, policy(), first)

        with pytest.raises(Conflict):
            verbs.discard_draft(
                model=model, environment="production", on_top_of=first.pk, by=factories.member("owner")
            )


class TestMerging:
    def test_what_both_added_is_there(self) -> None:
        deny, other = RULE | {"effect": "deny"}, RULE | {"subjects": ["user:anna"]}
        merged = merge(policy(RULE), policy(RULE, deny), policy(RULE, other))

        assert merged.content["rules"] == [RULE, other, deny]
        assert merged.added == (("rules", deny),)

    def test_what_they_removed_is_gone_unless_you_changed_it(self) -> None:
        assert merge(policy(RULE), policy(), policy(RULE)).content["rules"] == []
        yours = RULE | {"actions": ["explain"]}
        assert merge(policy(RULE), policy(), policy(yours)).content["rules"] == [yours]

    @given(
        *(
            st.lists(st.integers(0, 6).map(lambda n: RULE | {"subjects": [f"user:{n}"]}), max_size=5)
            for _ in range(3)
        )
    )
    def test_nothing_that_either_added_is_lost(
        self, base: list[Any], theirs: list[Any], yours: list[Any]
    ) -> None:
        merged = merge(policy(*base), policy(*theirs), policy(*yours)).content["rules"]

        assert all(one in merged for one in [*theirs, *yours] if one not in base)
        assert all(one in theirs or one in yours for one in merged)


class TestTrials:
    @pytest.mark.parametrize(
        ("change", "passes"),
        [
            ({}, True),
            ({"groups": []}, False),
            ({"expect": "deny"}, False),
            ({"groups": [], "expect": "deny"}, True),
            ({"groups": [], "expect": "deny", "code": "policy_does_not_allow"}, True),
            ({"groups": [], "expect": "deny", "code": "policy_network"}, False),
            ({"action": "explain", "expect": "deny"}, True),
        ],
    )
    def test_a_case_passes_when_the_answer_is_the_expected_one(
        self, change: dict[str, Any], passes: bool
    ) -> None:
        assert [trial.passed for trial in trials(policy(RULE, tests=[TEST | change]))] == [passes]

    def test_a_case_is_one_query_so_limits_have_something_left(self) -> None:
        assert trials(policy(RULE | {"rate": {"limit": 1, "per": "hour"}}, tests=[TEST]))[0].passed

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""}, {"who": "group:owner"}, {"who": 3}, {"groups": "owner"}, {"action": "fly"}, {"at": "today"},
            {"at": ""}, {"network": "10.0.0.0/8"}, {"purpose": "Big"}, {"payload_bytes": -1}, {"expect": "maybe"},
            {"code": 7}, {"colour": "red"},
        ],
    )  # fmt: skip
    def test_a_case_that_cannot_be_read_is_named(self, change: dict[str, Any]) -> None:
        (fault,) = trial_faults(policy(RULE, tests=[TEST | change]))

        assert fault.path.startswith("tests.0")
        assert fault.sentence.startswith("Test 1")

    def test_publishing_runs_them_and_names_those_that_fail(self, model: Model) -> None:
        wrong = TEST | {"name": "Nobody gets in", "expect": "deny"}

        with pytest.raises(Invalid) as refusal:
            publish(model, policy(RULE, tests=[TEST, wrong]))

        assert refusal.value.fields == {
            "tests.1": ["The test “Nobody gets in” expects deny, but it is allowed."]
        }
        assert not PolicyVersion.objects.exists()

    def test_they_are_part_of_the_version(self, model: Model) -> None:
        assert publish(model, policy(RULE, tests=[TEST])).content["tests"] == [TEST]


class TestPurposes:
    def test_a_purpose_is_an_intended_use_of_an_approved_card(self, owner: User) -> None:
        version = factories.approved_version()
        uses = verbs.intended_uses(version.model)
        assert uses

        published = publish(version.model, policy(RULE | {"purposes": [next(iter(uses))]}))
        with pytest.raises(Invalid, match="no intended use of an approved card") as refusal:
            publish(version.model, policy(RULE | {"purposes": ["marketing"]}), published.number)

        assert list(refusal.value.fields) == ["rules.0.purposes"]

    def test_a_card_that_is_not_approved_gives_no_purpose(self, owner: User) -> None:
        version: Version = factories.submitted_review().document.version

        assert verbs.intended_uses(version.model) == {}


class TestVersions:
    def test_an_earlier_version_is_put_in_force_as_a_new_one(self, model: Model) -> None:
        first = publish(model, policy(RULE))
        publish(model, policy(RULE | {"actions": ["explain"]}), 1)

        again = verbs.put_back(version=first, on_top_of=2, by=factories.member("owner"))

        assert (again.number, again.digest) == (3, first.digest)
        assert Policy.objects.get().in_force == again

    def test_what_was_published_in_the_first_schema_is_still_read(self, model: Model) -> None:
        assert publish(model, {"schema": "cardinal/policy/1", "rules": [RULE]}).number == 1

    @pytest.mark.parametrize(
        ("subject", "told"),
        [("service:owner", "is a person"), ("user:nobody", "no account"), ("group:none", "no role or team")],
    )
    def test_subjects_exist_and_are_what_they_are_called(self, model: Model, subject: str, told: str) -> None:
        factories.member("owner")
        with pytest.raises(Invalid, match=told):
            publish(model, policy(RULE | {"subjects": [subject]}))
