"""No clearance, no traffic: one unmet condition denies, says so, and lapses what was granted before."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.models import Entry
from governance import clearance
from governance.actions import clearances
from governance.clearance import OUTDATED, Basis, Facts, Pending, assess, outdated, valid_until, verdict
from governance.models import Clearance
from registry.actions import systems
from registry.errors import Conflict, Invalid, Missing, Refused
from registry.models import User, Version
from tests import factories

BASIS = Basis(artifact="a" * 64, datasheets={"applicants": "d" * 64}, risk_classes={"lending": "high"})
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLEARED = Facts(now=BASIS, at=NOW, card="c" * 64, approved="c" * 64, approved_basis=BASIS)

# What is broken, the condition that must be unmet, and the reason code that outsiders build on.
SPOILED: list[tuple[Facts, str, str]] = [
    (replace(CLEARED, now=replace(BASIS, risk_classes={})), "risk", "risk_no_system"),
    (replace(CLEARED, now=replace(BASIS, risk_classes={"lending": ""})), "risk", "risk_undecided"),
    (replace(CLEARED, now=replace(BASIS, risk_classes={"lending": "prohibited"})), "risk", "risk_prohibited"),
    (replace(CLEARED, now=replace(BASIS, risk_classes={"lending": "minimal"})), "risk", "risk_changed"),
    (
        replace(CLEARED, now=replace(BASIS, risk_classes={"lending": "high", "hiring": "high"})),
        "risk",
        "risk_changed",
    ),
    (replace(CLEARED, now=replace(BASIS, artifact="")), "artifact", "artifact_unknown"),
    (replace(CLEARED, now=replace(BASIS, artifact="b" * 64)), "artifact", "artifact_changed"),
    (replace(CLEARED, now=replace(BASIS, datasheets={})), "datasheets", "training_data_unknown"),
    (replace(CLEARED, now=replace(BASIS, datasheets={"applicants": ""})), "datasheets", "datasheet_missing"),
    (
        replace(CLEARED, now=replace(BASIS, datasheets={"applicants": "e" * 64})),
        "datasheets",
        "datasheet_changed",
    ),
    (replace(CLEARED, card=""), "card", "card_missing"),
    (replace(CLEARED, card="e" * 64), "card", "card_changed"),
    (replace(CLEARED, card="e" * 64, in_review=True), "card", "card_in_review"),
    (replace(CLEARED, approved="", approved_basis=None), "card", "card_not_approved"),
    (replace(CLEARED, suspended_because="It drifts."), "suspension", "suspended"),
    (replace(CLEARED, gone="version"), "presence", "version_gone"),
    (replace(CLEARED, gone="model"), "presence", "model_gone"),
    (replace(CLEARED, files_gone=True), "artifact", "artifact_gone"),
    (replace(CLEARED, moved=True), "artifact", "artifact_moved"),
    (replace(CLEARED, stale=("risk_changed",)), "risk", "risk_changed"),
    (replace(CLEARED, stale=("artifact_changed",)), "artifact", "artifact_changed"),
    (replace(CLEARED, stale=("datasheet_changed",)), "datasheets", "datasheet_changed"),
    (replace(CLEARED, stale=("card_changed",)), "card", "card_changed"),
    (
        replace(CLEARED, approved="", approved_basis=None, retired_because="Mistaken."),
        "card",
        "approval_retired",
    ),
    (replace(CLEARED, approved_until=NOW), "age", "approval_expired"),
    (replace(CLEARED, pending=(Pending("Measure.", "owner", NOW),)), "conditions", "condition_lapsed"),
]


def test_all_conditions_met_is_cleared() -> None:
    assert all(condition.met for condition in assess(CLEARED))
    assert verdict(assess(CLEARED))


@pytest.mark.parametrize(("facts", "condition", "code"), SPOILED, ids=[code for *_, code in SPOILED])
def test_any_single_broken_condition_denies_and_names_itself(facts: Facts, condition: str, code: str) -> None:
    conditions = assess(facts)

    assert not verdict(conditions)
    assert {one.code: one.reason.code for one in conditions if one.reason} == {condition: code}
    assert all(
        reason.sentence.endswith((".", "!")) and reason.remedy for reason in verdict(conditions).reasons
    )


def test_an_open_review_of_what_is_approved_already_changes_nothing() -> None:
    assert verdict(assess(replace(CLEARED, in_review=True)))


DIGESTS = st.sampled_from(["", "a" * 64, "b" * 64])
BASES = st.builds(
    Basis,
    artifact=DIGESTS,
    datasheets=st.dictionaries(st.sampled_from(["applicants", "census"]), DIGESTS),
    risk_classes=st.dictionaries(
        st.sampled_from(["lending", "hiring"]),
        st.sampled_from(["", "prohibited", "high", "limited", "minimal"]),
    ),
)
FACTS = st.builds(
    Facts,
    now=BASES,
    card=DIGESTS,
    in_review=st.booleans(),
    approved=DIGESTS,
    approved_basis=st.none() | BASES,
    suspended_because=st.sampled_from(["", "It drifts."]),
    gone=st.sampled_from(["", "version", "model"]),
    files_gone=st.booleans(),
    moved=st.booleans(),
)


@given(
    facts=FACTS
    | st.builds(lambda facts: replace(facts, approved_basis=facts.now, approved=facts.card), FACTS)
)
@settings(max_examples=500, deadline=None)
def test_cleared_means_that_everything_holds(facts: Facts) -> None:
    """Whatever the facts, an allowed version is approved as it is now, not prohibited, not suspended and not gone."""
    conditions = assess(facts)

    assert len(conditions) == len({one.code for one in conditions}) == 8
    assert bool(verdict(conditions)) == all(one.met for one in conditions)
    if verdict(conditions):
        assert facts.card
        assert facts.approved == facts.card
        assert not facts.suspended_because
        assert not facts.gone
        assert not facts.files_gone
        assert not facts.moved
        assert facts.now.artifact
        assert facts.now.datasheets
        assert all(facts.now.datasheets.values())
        assert facts.now.risk_classes
        assert set(facts.now.risk_classes.values()) <= {"high", "limited", "minimal"}
        assert facts.approved_basis in (None, facts.now)


# Any cleared set of facts, and for each condition every way to break that one alone.

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
SPANS = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=3_000))
DECIDED = st.sampled_from(["high", "limited", "minimal"])
SLUGS = st.text("abcdef", min_size=1, max_size=4)


@st.composite
def cleared_facts(draw: st.DrawFn) -> Facts:
    basis = Basis(
        draw(HEX),
        draw(st.dictionaries(SLUGS, HEX, min_size=1, max_size=3)),
        draw(st.dictionaries(SLUGS, DECIDED, min_size=1, max_size=3)),
    )
    card, pending = draw(HEX), draw(st.lists(SPANS, max_size=3))
    return Facts(
        now=basis,
        at=NOW,
        card=card,
        approved=card,
        approved_basis=basis,
        approved_until=NOW + draw(SPANS),
        in_review=draw(st.booleans()),
        pending=tuple(Pending("Measure.", "owner", NOW + span) for span in pending),
    )


def with_basis(facts: Facts, **parts: Any) -> Facts:
    return replace(facts, now=replace(facts.now, **parts))


def first(values: Any, value: str) -> dict[str, str]:
    """The mapping with its first value replaced."""
    return dict(values) | {min(values): value}


BREAKS: dict[str, list[Callable[[Facts], Facts]]] = {
    "risk": [
        lambda f: with_basis(f, risk_classes={}),
        lambda f: with_basis(f, risk_classes=first(f.now.risk_classes, "prohibited")),
        lambda f: with_basis(f, risk_classes=first(f.now.risk_classes, OUTDATED)),
        lambda f: with_basis(f, risk_classes=first(f.now.risk_classes, "")),
        lambda f: with_basis(f, risk_classes={**f.now.risk_classes, "another": "minimal"}),
        lambda f: replace(f, stale=("risk_changed",)),
    ],
    "presence": [lambda f: replace(f, gone="version"), lambda f: replace(f, gone="model")],
    "artifact": [
        lambda f: with_basis(f, artifact=""),
        lambda f: with_basis(f, artifact="g" * 64),
        lambda f: replace(f, files_gone=True),
        lambda f: replace(f, stale=("artifact_changed",)),
    ],
    "datasheets": [
        lambda f: with_basis(f, datasheets={}),
        lambda f: with_basis(f, datasheets=first(f.now.datasheets, "")),
        lambda f: with_basis(f, datasheets=first(f.now.datasheets, "g" * 64)),
        lambda f: with_basis(f, datasheets={**f.now.datasheets, "another": "a" * 64}),
        lambda f: replace(f, stale=("datasheet_changed",)),
    ],
    "card": [
        lambda f: replace(f, card=""),
        lambda f: replace(f, card="g" * 64),
        lambda f: replace(f, approved="", approved_basis=None),
        lambda f: replace(f, approved="", approved_basis=None, retired_because="Mistaken."),
        lambda f: replace(f, stale=("card_changed",)),
    ],
    "age": [
        lambda f: replace(f, approved_until=f.at),
        lambda f: replace(f, approved_until=f.at - timedelta(microseconds=1)),
    ],
    "conditions": [
        lambda f: replace(f, pending=(*f.pending, Pending("Again.", "owner", f.at))),
        lambda f: replace(f, pending=(Pending("Long ago.", "owner", f.at - timedelta(days=9)), *f.pending)),
    ],
    "suspension": [lambda f: replace(f, suspended_because="It drifts.")],
}
WAYS = [(code, number) for code, ways in BREAKS.items() for number in range(len(ways))]


def test_there_is_a_way_to_break_every_condition() -> None:
    assert set(BREAKS) == {one.code for one in assess(CLEARED)}


@given(facts=cleared_facts(), way=st.sampled_from(WAYS))
@settings(max_examples=1_000, deadline=None)
def test_flipping_any_single_condition_denies_and_names_exactly_that_condition(
    facts: Facts, way: tuple[str, int]
) -> None:
    code, number = way
    assert verdict(assess(facts))

    conditions = assess(BREAKS[code][number](facts))

    assert not verdict(conditions)
    assert [one.code for one in conditions if not one.met] == [code]
    assert all(one.reason.remedy for one in conditions if one.reason)


@given(facts=cleared_facts())
@settings(max_examples=300, deadline=None)
def test_a_clearance_holds_until_its_end_and_not_a_microsecond_longer(facts: Facts) -> None:
    until = valid_until(assess(facts))
    assert until

    last = replace(facts, at=until - timedelta(microseconds=1))
    over = replace(facts, at=until)

    assert verdict(assess(last))
    assert not verdict(assess(over))
    foretold = {one.then for one in assess(last) if one.until and one.until <= until}
    assert {reason.code for reason in verdict(assess(over)).reasons} == foretold


@given(facts=cleared_facts(), way=st.sampled_from(WAYS))
@settings(max_examples=300, deadline=None)
def test_what_makes_an_approval_stale_is_a_change_of_what_it_stands_on(
    facts: Facts, way: tuple[str, int]
) -> None:
    assert outdated(facts) == ()

    codes = outdated(BREAKS[way[0]][way[1]](facts))

    assert set(codes) <= {"risk_changed", "artifact_changed", "datasheet_changed", "card_changed"}
    if way[0] in ("presence", "age", "conditions", "suspension"):
        assert codes == ()


@given(basis=BASES)
def test_a_basis_survives_being_stored(basis: Basis) -> None:
    assert Basis.of(basis.as_json()) == basis


pytest_django = pytest.mark.django_db


def stored(version: Version) -> dict[str, bool]:
    return dict(Clearance.objects.filter(version=version).values_list("environment", "allowed"))


def codes(version: Version) -> set[str]:
    row = Clearance.objects.get(version=version, environment="production")
    return {condition["reason"] for condition in row.unmet}


def cleared(version: Version) -> bool:
    """Cleared in both environments, or in neither."""
    answers = set(stored(version).values())
    assert len(answers) == 1
    return answers.pop()


@pytest.fixture
def approved(db: None) -> Version:
    version = factories.approved_version()
    assert cleared(version)
    return version


def lapses() -> list[dict[str, Any]]:
    return [entry.facts for entry in Entry.objects.filter(kind="clearance.lapsed")]


@pytest_django
def test_a_new_version_is_not_cleared_and_says_all_that_is_missing() -> None:
    version = factories.version()

    assert not cleared(version)
    assert codes(version) == {"risk_no_system", "datasheet_missing", "card_missing"}


@pytest_django
def test_approval_by_a_second_person_clears(approved: Version) -> None:
    granted = Entry.objects.filter(kind="clearance.granted")

    assert stored(approved) == {"production": True, "staging": True}
    assert {entry.actor for entry in granted} == {"reviewer"}
    assert granted.count() == 2


@pytest_django
def test_an_edit_of_the_card_ends_the_clearance(approved: Version) -> None:
    factories.save(approved, mark="edited")

    assert not cleared(approved)
    assert codes(approved) == {"card_changed"}
    assert {fact["by"]["name"] for fact in lapses()} == {"owner"}
    assert lapses()[0]["facts"]["codes"] == "card_changed"


@pytest_django
def test_a_changed_file_ends_the_clearance(approved: Version) -> None:
    factories.manifest(approved, "b")

    assert not cleared(approved)
    assert codes(approved) == {"artifact_changed"}


@pytest_django
def test_a_changed_datasheet_ends_the_clearance_of_every_version_trained_on_it(approved: Version) -> None:
    sibling = factories.approved_version(
        factories.version(dataset=factories.training_data(approved).name, model=factories.model())
    )
    assert cleared(sibling)
    assert cleared(approved)

    factories.save(factories.training_data(approved), mark="corrected")

    assert not cleared(approved)
    assert not cleared(sibling)
    assert codes(approved) == codes(sibling) == {"datasheet_changed"}


@pytest_django
def test_a_prohibited_system_ends_the_clearance(approved: Version) -> None:
    factories.decide(approved.model.systems.get(), "prohibited")

    assert not cleared(approved)
    assert codes(approved) == {"risk_prohibited"}


@pytest_django
def test_another_risk_class_asks_for_another_review(approved: Version) -> None:
    factories.decide(approved.model.systems.get(), "high")
    assert codes(approved) == {"risk_changed"}

    factories.approve(factories.resubmit(approved))

    assert cleared(approved)


@pytest_django
def test_a_second_system_without_a_risk_class_ends_the_clearance(approved: Version, owner: User) -> None:
    factories.system(model=approved.model, risk_class="")

    assert codes(approved) == {"risk_undecided"}


@pytest_django
def test_a_system_is_told_of_by_the_verb(approved: Version, owner: User) -> None:
    other = factories.version()

    systems.add_model(system=approved.model.systems.get(), model=other.model, by=owner)

    assert "risk_no_system" not in codes(other)
    assert cleared(approved)


@pytest_django
def test_editing_back_to_what_was_approved_needs_a_new_review(approved: Version) -> None:
    factories.save(approved, mark="edited")

    factories.save(approved)

    assert codes(approved) == {"card_changed"}, "stale stays stale, and the reason stays what it was"
    factories.approve(factories.resubmit(approved))
    assert cleared(approved)


@pytest_django
def test_a_suspension_stops_at_once_and_lifting_it_serves_again(approved: Version, reviewer: User) -> None:
    clearances.suspend(version=approved, reason="It drifts.", by=reviewer)
    assert codes(approved) == {"suspended"}
    with pytest.raises(Conflict, match="suspended already"):
        clearances.suspend(version=approved, reason="Again.", by=reviewer)

    clearances.lift(version=approved, reason="Mended.", by=reviewer)

    assert cleared(approved)
    with pytest.raises(Conflict, match="not suspended"):
        clearances.lift(version=approved, reason="Again.", by=reviewer)


@pytest_django
def test_a_suspension_says_why_and_is_not_for_everybody(
    approved: Version, owner: User, outsider: User
) -> None:
    with pytest.raises(Invalid):
        clearances.suspend(version=approved, reason=" ", by=factories.member("reviewer"))
    with pytest.raises(Refused):
        clearances.suspend(version=approved, reason="x", by=owner)
    with pytest.raises(Missing):
        clearances.suspend(version=approved, reason="x", by=outsider)


@pytest_django
def test_each_condition_says_since_when_and_until_when_it_stands(approved: Version, reviewer: User) -> None:
    before = {
        one["code"]: one
        for one in Clearance.objects.get(version=approved, environment="production").conditions
    }
    assert before["age"]["then"] == "approval_expired"
    assert datetime.fromisoformat(before["age"]["until"]) > NOW

    clearances.suspend(version=approved, reason="It drifts.", by=reviewer)

    row = Clearance.objects.get(version=approved, environment="production")
    after = {one["code"]: one for one in row.conditions}
    assert after["card"]["since"] == before["card"]["since"]
    assert after["suspension"]["since"] > before["suspension"]["since"]
    assert row.valid_until is None, "what is not allowed does not end"


@pytest_django
def test_assessing_again_changes_and_tells_nothing(approved: Version, machine: User) -> None:
    before = Entry.objects.count()

    clearances.recompute(versions=[approved], by=machine)

    assert Entry.objects.count() == before


@pytest_django
def test_twenty_versions_cost_the_queries_of_two(machine: User, django_assert_num_queries: Any) -> None:
    model = factories.model()
    versions = [factories.version(model=model, number=n) for n in range(1, 21)]

    counts = []
    for some in (versions[:2], versions):
        with django_assert_num_queries(
            7
        ):  # versions with cards, files, data, decisions, systems, stops, reviews; their conditions if there are any
            counts.append(len(clearances.gather(some)))

    assert counts == [2, 20]


def wait_until_somebody_waits_for_us() -> None:
    """Another connection has come as far as it can: it waits for a lock that this one holds."""
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone():
                return
            time.sleep(0.05)
    pytest.fail("Nobody waited: the two did not cross.")


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_crosses_with_an_edit_of_the_card_leaves_nothing_cleared() -> None:
    """The edit is under way when the approval comes, and is committed first: what counts is what holds at the end."""
    review = factories.submitted_review()
    version = review.document.version
    approved: list[object] = []

    def approve() -> None:
        try:
            approved.append(factories.approve(review))
        except Conflict as error:
            approved.append(error)
        finally:
            connection.close()

    judge = threading.Thread(target=approve)
    with transaction.atomic():
        factories.save(version, mark="edited")
        judge.start()
        wait_until_somebody_waits_for_us()
    judge.join(timeout=20)

    assert approved
    facts = clearances.gather([version])[version.pk]
    assert not verdict(assess(facts))
    assert stored(version) == {"production": False, "staging": False}


def test_the_pure_function_knows_no_database() -> None:
    assert not [name for name in vars(clearance) if name in ("models", "transaction", "connection")]
