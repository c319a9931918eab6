"""The course of a review: a table of steps, the rule of the risk class, and what several judges make of it."""

from __future__ import annotations

import threading
from itertools import product

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import Entry
from governance import reviews as course
from governance.actions import review_rules, reviews
from governance.models import Clearance, Judgement, Review, ReviewRuleDecision, rules_in_force
from governance.permissions import may_still_judge, open_roles, still_wanted
from governance.reviews import ANY, DEFAULTS, STORED, Rule, wanted
from registry.errors import Conflict, Invalid, Refused
from registry.models import User, Version
from tests import factories
from tests.governance.test_reviews import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def high() -> Review:
    """Waits under the rule of high risk: a reviewer and somebody of compliance."""
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    return factories.submitted_review(version)


def state(review: Review) -> str:
    return Review.objects.get(pk=review.pk).state


def reasons(version: Version) -> set[str]:
    row = Clearance.objects.get(version=version, environment="production")
    return {one["reason"] for one in row.unmet}


# The table


STEPS = {
    "in_review": [],
    "approved": ["approved"],
    "changes_requested": ["changes_requested"],
    "withdrawn": ["withdrawn"],
    "stale": ["approved", "stale"],
    "retired": ["approved", "retired"],
}


def step(review: Review, after: str) -> None:
    """One step past every verb, with everything beside the state as it would have to be."""
    ended = after in ("stale", "retired")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE governance_review SET state = %s, closed_at = CASE WHEN %s THEN NULL ELSE now() END,"
            " ended_at = CASE WHEN %s THEN now() END, stale_codes = CASE WHEN %s THEN 'card_changed' ELSE stale_codes END,"
            " retired_because = CASE WHEN %s THEN 'Mistaken.' ELSE '' END WHERE id = %s",
            [after, after == "in_review", ended, after == "stale", after == "retired", review.pk],
        )


@pytest.mark.parametrize(("before", "after"), list(product(STORED, STORED)))
def test_the_database_takes_the_steps_of_the_table_and_no_other(before: str, after: str) -> None:
    review = factories.submitted_review()
    for name, outcome in (("one", "approve"), ("two", "request_changes")):  # every outcome has its judgement
        Judgement.objects.create(
            review=review,
            outcome=outcome,
            role="reviewer",
            comment="Why?",
            digest=review.digest,
            by=factories.member("reviewer", name),
        )
    for passed in STEPS[before]:
        step(review, passed)

    if course.allows(before, after):
        step(review, after)
        assert state(review) == after
    else:
        with pytest.raises(DatabaseError, match="no step of a review"):
            step(review, after)
        assert state(review) == before


def test_every_step_has_an_event_with_a_sentence_and_every_state_is_reached() -> None:
    from audit.phrases import PHRASES

    assert {one.event for one in course.TRANSITIONS} <= set(PHRASES)
    assert {one.after for one in course.TRANSITIONS} == set(STORED)
    assert set(STORED) == set(Review.State.values)
    assert not any(one.before == "retired" for one in course.TRANSITIONS)


# Who still has to sign: the same in Python and in PostgreSQL

ROLES = st.lists(st.sampled_from(["reviewer", "compliance", "legal"]), max_size=4)


@given(roles=ROLES, more=st.integers(0, 3), signed=ROLES)
@settings(max_examples=60, deadline=None)
def test_both_reckon_alike_what_is_still_wanted(roles: list[str], more: int, signed: list[str]) -> None:
    rule = Rule("high", len(roles) + more or 1, tuple(roles), (), 1, 1, step_up=False)
    asked = "SELECT cardinal_review_wants(%s::jsonb, 1)"
    rows = [f"(1, '{role}', 'approve')" for role in signed] or ["(2, '', 'approve')"]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE governance_judgement (review_id bigint, role text, outcome text) ON COMMIT DROP"
        )
        cursor.execute(f"INSERT INTO pg_temp.governance_judgement VALUES {', '.join(rows)}")
        cursor.execute(asked, [__import__("json").dumps(rule.as_json())])
        (found,) = cursor.fetchone()
        transaction.set_rollback(True)

    assert sorted(found) == sorted(wanted(rule, signed))
    assert (not found) == (wanted(rule, signed) == ())


@pytest.mark.parametrize(
    ("approvers", "roles", "signed", "still"),
    [
        (1, (), (), ("",)),
        (1, (), ("reviewer",), ()),
        (2, ("reviewer", "compliance"), (), ("compliance", "reviewer")),
        (2, ("reviewer", "compliance"), ("reviewer",), ("compliance",)),
        (2, ("reviewer", "compliance"), ("reviewer", "reviewer"), ("compliance",)),
        (2, ("reviewer", "compliance"), ("compliance", "reviewer"), ()),
        (3, ("compliance",), ("reviewer",), ("compliance", "")),
        (3, ("compliance",), ("reviewer", "compliance"), ("",)),
        (3, ("compliance",), ("reviewer", "reviewer", "reviewer"), ("compliance",)),
        (2, ("reviewer", "reviewer"), ("reviewer",), ("reviewer",)),
    ],
)
def test_what_is_still_wanted(
    approvers: int, roles: tuple[str, ...], signed: tuple[str, ...], still: tuple[str, ...]
) -> None:
    rule = Rule("high", approvers, roles, (), 1, 1, step_up=False)

    assert wanted(rule, signed) == still


# Several judges


def test_high_risk_needs_a_reviewer_and_compliance(high: Review, reviewer: User, compliance: User) -> None:
    version = high.document.version
    once = factories.sign_off(high, by=reviewer)
    assert once.state == "in_review"
    assert still_wanted(once) == ("compliance",)
    assert not Clearance.objects.filter(version=version, allowed=True).exists()

    twice = factories.sign_off(high, by=compliance)

    assert twice.state == "approved"
    assert Clearance.objects.filter(version=version, allowed=True).count() == 2
    assert [one.role for one in twice.judgements.order_by("pk")] == ["reviewer", "compliance"]
    kinds = Entry.objects.filter(kind__in=["review.signed_off", "review.approved"]).order_by(
        "created_at", "pk"
    )
    assert [one.kind for one in kinds] == ["review.signed_off", "review.approved"]


def test_two_of_one_role_are_not_one_of_each(high: Review, reviewer: User) -> None:
    factories.sign_off(high, by=reviewer)

    with pytest.raises(Refused, match="signed off in your role already"):
        factories.sign_off(high, by=factories.member("reviewer", "second"))

    with pytest.raises(DatabaseError, match="not everybody whom its rule asks for"):
        step(high, "approved")


def test_one_person_with_both_roles_signs_once(high: Review) -> None:
    both = factories.member("reviewer", "both")
    both = factories.member("compliance", both.username)
    both = User.objects.get(pk=both.pk)
    factories.sign_off(high, by=both, role="compliance")

    with pytest.raises(Refused) as caught:
        factories.sign_off(high, by=both, role="reviewer")

    assert caught.value.verdict.reasons[0].code == "judged_already"
    assert state(high) == "in_review"


def test_a_role_that_one_does_not_hold_is_refused_by_every_door(high: Review, reviewer: User) -> None:
    with pytest.raises(Invalid):
        factories.sign_off(high, by=reviewer, role="compliance")
    with pytest.raises(DatabaseError, match="a role that one holds"), transaction.atomic():
        Judgement.objects.create(
            review=high, outcome="approve", role="compliance", digest=high.digest, by=reviewer
        )


def test_one_who_asks_for_changes_closes_it_whoever_has_signed(
    high: Review, reviewer: User, compliance: User
) -> None:
    factories.sign_off(high, by=reviewer)

    reviews.request_changes(
        review=high, digest=high.digest, comment="Groups?", proof=factories.proof(compliance), by=compliance
    )

    assert state(high) == "changes_requested"


def test_an_approval_ticks_the_whole_checklist(high: Review, reviewer: User) -> None:
    with pytest.raises(Invalid) as caught:
        reviews.approve(
            review=high,
            digest=high.digest,
            checked=["card_read"],
            proof=factories.proof(reviewer),
            by=reviewer,
        )
    assert len(caught.value.fields["checked"]) == len(high.frozen_rule.checklist) - 1
    with pytest.raises(DatabaseError, match="ticks the whole checklist"), transaction.atomic():
        Judgement.objects.create(
            review=high,
            outcome="approve",
            role="reviewer",
            digest=high.digest,
            checked=["card_read"],
            by=reviewer,
        )


def test_who_may_still_judge_is_told_for_notices_and_inbox(
    high: Review, reviewer: User, compliance: User
) -> None:
    assert may_still_judge(high) == [(compliance, ("compliance",)), (reviewer, ("reviewer",))]
    factories.sign_off(high, by=reviewer)
    second = factories.member("reviewer", "second")

    assert may_still_judge(high) == [(compliance, ("compliance",))]
    assert open_roles(second, high) == ()
    assert list(Review.objects.awaiting(compliance)) == [high]
    assert list(Review.objects.awaiting(reviewer)) == []
    assert list(Review.objects.awaiting(second)) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_last_sign_offs_at_once_each_counts_once() -> None:
    version = factories.version()
    factories.system(model=version.model, risk_class="high")
    review = factories.submitted_review(version)
    one, two = factories.member("reviewer"), factories.member("compliance")
    factories.with_password(one)
    factories.with_password(two)

    outcomes = at_once(lambda: factories.sign_off(review, by=one), lambda: factories.sign_off(review, by=two))

    assert [type(outcome).__name__ for outcome in outcomes] == ["Review", "Review"]
    assert state(review) == "approved"
    assert Entry.objects.filter(kind="review.approved").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_replaces_another_and_an_edit_do_not_block_each_other() -> None:
    """Both touch the version and its earlier approval, in the same order: no deadlock."""
    version = factories.approved_version()
    factories.save(version, mark="second")
    review = factories.resubmit(version)
    done = threading.Event()

    outcomes = at_once(
        lambda: factories.sign_off(review, by=factories.member("reviewer")),
        lambda: factories.manifest(version, "b"),
    )
    done.set()

    assert not [one for one in outcomes if isinstance(one, DatabaseError)], outcomes
    assert not Clearance.objects.filter(version=version, allowed=True).exists()


# The rule


def test_the_rule_is_frozen_and_whoever_submits_has_no_say(high: Review, compliance: User) -> None:
    milder = Rule("high", 1, (), (), 100, 50, step_up=False)
    review_rules.decide(rule=milder, rationale="A trial.", by=compliance)

    assert Review.objects.get(pk=high.pk).frozen_rule == DEFAULTS["high"]
    with pytest.raises(DatabaseError, match="under which rule, never changes"), transaction.atomic():
        Review.objects.filter(pk=high.pk).update(rule=milder.as_json())
    import inspect

    assert set(inspect.signature(reviews.submit).parameters) == {"revision", "by"}
    reviews.withdraw(review=high, by=high.submitted_by)
    assert factories.resubmit(high.document.version).frozen_rule == milder


def test_nobody_submits_under_a_rule_of_their_own(high: Review, compliance: User) -> None:
    review_rules.decide(
        rule=Rule("high", 3, ("reviewer",), (), 100, 50, step_up=True), rationale="Stricter.", by=compliance
    )
    reviews.withdraw(review=high, by=high.submitted_by)

    with pytest.raises(DatabaseError, match="the rule that is in force"), transaction.atomic():
        Review.objects.create(
            document=high.document,
            revision=high.revision,
            digest=high.digest,
            basis=high.basis,
            rule=high.rule,
            submitted_by=high.submitted_by,
        )


@pytest.mark.parametrize("role", ["owner", "reviewer", "auditor", "admin"])
def test_compliance_decides_the_rules_and_nobody_else(role: str) -> None:
    with pytest.raises(Refused):
        review_rules.decide(
            rule=Rule("high", 1, (), (), 9, 9, step_up=False), rationale="x", by=factories.member(role)
        )


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("approvers", Rule("high", 6, (), (), 9, 9, step_up=False)),
        ("approvers", Rule("high", 0, (), (), 9, 9, step_up=False)),
        ("roles", Rule("high", 1, ("reviewer", "compliance"), (), 9, 9, step_up=False)),
        ("roles", Rule("high", 1, ("owner",), (), 9, 9, step_up=False)),
        ("again_after_days", Rule("high", 1, (), (), 9, 10, step_up=False)),
        ("max_age_days", Rule("high", 1, (), (), 4_000, 10, step_up=False)),
        ("risk_class", Rule("unheard", 1, (), (), 9, 9, step_up=False)),
        (
            "checklist",
            Rule("high", 1, (), (course.Item("a", "x"), course.Item("a", "y")), 9, 9, step_up=False),
        ),
    ],
)
def test_a_rule_that_nobody_could_keep_is_refused(field: str, rule: Rule, compliance: User) -> None:
    with pytest.raises(Invalid) as caught:
        review_rules.decide(rule=rule, rationale="x", by=compliance)

    assert set(caught.value.fields) == {field}


def test_the_latest_decision_holds_and_is_told(compliance: User) -> None:
    rule = Rule("limited", 2, ("reviewer",), (), 400, 300, step_up=False)
    assert review_rules.decide(rule=rule, rationale="Policy 4.", by=compliance)
    assert review_rules.decide(rule=rule, rationale="Again.", by=compliance) is None

    assert rules_in_force()["limited"] == rule
    assert ReviewRuleDecision.objects.count() == 1
    assert "2 different people" in Entry.objects.get(kind="review.rule_set").facts["facts"]["rule"]


@pytest.mark.parametrize(
    ("classes", "strictest"),
    [
        ((), "undecided"),
        (("",), "undecided"),
        (("minimal", "limited"), "limited"),
        (("minimal", ""), "undecided"),
        (("high", ""), "high"),
        (("minimal", "prohibited"), "prohibited"),
    ],
)
def test_the_strictest_class_gives_the_rule(classes: tuple[str, ...], strictest: str) -> None:
    assert course.strictest(classes) == strictest


# What becomes of an approval


def test_a_later_approval_takes_the_place_of_the_earlier(db: None) -> None:
    version = factories.approved_version()
    first = Review.objects.get()
    factories.save(version, mark="second")
    assert state(first) == "stale"

    second = factories.approve(factories.resubmit(version))

    assert (state(first), state(second)) == ("retired", "approved")
    assert Review.objects.get(pk=first.pk).stale_codes == "card_changed"
    assert Entry.objects.get(kind="review.stale").facts["facts"]["codes"] == "card_changed"


def test_a_change_undone_needs_a_new_review_and_the_reason_stays(db: None) -> None:
    version = factories.approved_version()
    factories.manifest(version, "b")
    factories.manifest(version, "a")

    assert reasons(version) == {"artifact_changed"}
    assert Review.objects.get().stale_codes == "artifact_changed"


def test_the_same_risk_class_decided_again_is_no_change(db: None) -> None:
    from registry.actions import systems

    version = factories.approved_version()
    system = version.model.systems.get()
    said = {"name": system.name, "operator_role": system.operator_role, "team": system.team}
    systems.edit(
        system=system,
        **said,
        intended_purpose="Decide otherwise.",
        on_top_of=system.edition,
        by=factories.member("owner"),
    )
    assert reasons(version) == {"risk_outdated"}

    factories.decide(version.model.systems.get(), "limited")

    assert state(Review.objects.get()) == "approved"
    assert reasons(version) == set()


def test_an_approval_is_taken_away_with_a_reason(reviewer: User, owner: User) -> None:
    version = factories.approved_version()
    review = Review.objects.get()
    with pytest.raises(Refused):
        reviews.retire(review=review, reason="I do not like it.", by=owner)
    with pytest.raises(Invalid):
        reviews.retire(review=review, reason=" ", by=reviewer)

    reviews.retire(review=review, reason="The figures were mistaken.", by=reviewer)

    assert reasons(version) == {"approval_retired"}
    with pytest.raises(Conflict):
        reviews.retire(review=review, reason="Again.", by=reviewer)


def test_another_revision_of_a_datasheet_makes_its_approval_stale(reviewer: User) -> None:
    version = factories.version()
    factories.system(model=version.model)
    sheet = factories.save(factories.training_data(version))
    factories.sign_off(reviews.submit(revision=sheet, by=factories.member("owner")), by=reviewer)

    factories.save(factories.training_data(version), mark="corrected")

    assert Review.objects.get().stale_codes == "datasheet_changed"


def test_any_role_is_written_as_nothing() -> None:
    assert ANY == ""
