"""The conditions of a rule: each alone decides, names itself when it fails, and denies when it cannot be judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.policies import (
    SCHEMA,
    Query,
    Shortage,
    charges,
    compiled,
    evaluate,
    faults,
    sentences,
    uses,
    walk,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
OFFICE = {"days": ["mon", "tue"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}
RULE: dict[str, Any] = {
    "effect": "allow",
    "subjects": ["user:anna"],
    "actions": ["predict"],
    "purposes": ["assess-loan-applications"],
    "networks": ["10.0.0.0/8", "2001:db8::/32"],
    "hours": [OFFICE],
    "valid_from": "2026-01-01T00:00:00+00:00",
    "valid_until": "2027-01-01T00:00:00+00:00",
    "rate": {"limit": 10, "per": "minute"},
    "quota": {"limit": 1000, "per": "day", "zone": "Europe/Berlin"},
    "max_payload_bytes": 1000,
}


def policy(*rules: Any) -> dict[str, Any]:
    return {"schema": SCHEMA, "rules": list(rules)}


def key_of(rule: dict[str, Any]) -> str:
    charge = compiled(policy(rule)).rules[0].charge
    assert charge
    return charge.key


QUERY = Query(
    caller="anna",
    groups=frozenset(),
    action="predict",
    at=NOW,
    network="10.1.2.3",
    purpose="assess-loan-applications",
    payload_bytes=1000,
    spent={key_of(RULE): None},
)

FLIPS: list[tuple[str, dict[str, Any]]] = [
    ("policy_does_not_allow", {"caller": "bert"}),
    ("policy_does_not_allow", {"action": "explain"}),
    ("policy_purpose", {"purpose": "marketing"}),
    ("policy_purpose", {"purpose": ""}),
    ("policy_network", {"network": "11.0.0.1"}),
    ("policy_network", {"network": ""}),
    ("policy_network", {"network": "nonsense"}),
    ("policy_network", {"network": "::1"}),
    ("policy_hours", {"at": datetime(2026, 11, 23, 17, tzinfo=UTC)}),  # 18:00 there
    ("policy_hours", {"at": datetime(2026, 11, 25, 12, tzinfo=UTC)}),  # a Wednesday
    ("policy_payload", {"payload_bytes": 1001}),
    ("policy_payload", {"payload_bytes": None}),
    ("policy_rate", {"spent": {key_of(RULE): Shortage("policy_rate", 3)}}),
    ("policy_quota", {"spent": {key_of(RULE): Shortage("policy_quota", 3)}}),
    ("limits_unavailable", {"spent": {key_of(RULE): Shortage("limits_unavailable")}}),
    ("limits_unavailable", {"spent": {}}),
]


def codes(content: Any, query: Query) -> list[str]:
    return [reason.code for reason in evaluate(content, query).reasons]


def test_everything_right_allows() -> None:
    assert evaluate(policy(RULE), QUERY)


@pytest.mark.parametrize(("code", "change"), FLIPS)
def test_one_condition_flipped_denies_and_names_it(code: str, change: dict[str, Any]) -> None:
    found = codes(policy(RULE), replace(QUERY, **change))

    assert set(found) == {code}


@pytest.mark.parametrize("at", [datetime(2025, 12, 29, 12, tzinfo=UTC), datetime(2027, 1, 4, 12, tzinfo=UTC)])
def test_outside_its_validity_a_rule_does_not_allow(at: datetime) -> None:
    assert codes(policy(RULE), replace(QUERY, at=at)) == ["policy_validity"]


@given(st.sets(st.sampled_from(["purpose", "network", "payload_bytes", "hours"])))
def test_every_condition_that_fails_is_named_and_no_other(failing: set[str]) -> None:
    wrong = {"purpose": "other", "network": "192.0.2.1", "payload_bytes": 5000}
    query = replace(QUERY, **{name: wrong[name] for name in failing if name in wrong})  # type: ignore[arg-type]
    if "hours" in failing:
        query = replace(query, at=datetime(2026, 11, 25, 12, tzinfo=UTC))

    said = {"payload_bytes": "policy_payload"}
    assert set(codes(policy(RULE), query)) == {said.get(one, f"policy_{one}") for one in failing}


class TestDenying:
    DENY: dict[str, Any] = {"effect": "deny", "subjects": ["user:anna"], "actions": ["predict"]}
    ALLOW: dict[str, Any] = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"]}

    @pytest.mark.parametrize(
        ("conditions", "denies"),
        [
            ({"networks": ["10.0.0.0/8"]}, True),
            ({"networks": ["192.0.2.0/24"]}, False),
            ({"purposes": ["assess-loan-applications"]}, True),
            ({"purposes": ["marketing"]}, False),
            ({"hours": [OFFICE]}, True),
            ({"hours": [OFFICE | {"days": ["sun"]}]}, False),
            ({"networks": ["10.0.0.0/8"], "purposes": ["marketing"]}, False),
            ({"networks": "10.0.0.0/8"}, True),  # not understood
            ({"max_payload_bytes": 5}, True),  # a denial has no limits, so it is not understood
        ],
    )
    def test_a_denial_applies_where_its_conditions_hold(
        self, conditions: dict[str, Any], denies: bool
    ) -> None:
        found = codes(policy(self.ALLOW, self.DENY | conditions), QUERY)

        assert found == (["policy_denies"] if denies else [])

    @pytest.mark.parametrize(
        ("conditions", "unknown"),
        [({"networks": ["192.0.2.0/24"]}, {"network": ""}), ({"purposes": ["marketing"]}, {"purpose": ""})],
    )
    def test_what_is_not_known_does_not_spare_from_a_denial(
        self, conditions: dict[str, Any], unknown: dict[str, str]
    ) -> None:
        assert codes(policy(self.ALLOW, self.DENY | conditions), replace(QUERY, **unknown)) == [
            "policy_denies"
        ]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        (["10.0.0.0/8"], "10.255.255.255", True),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "10.1.2.3", True),
        (["::ffff:10.0.0.0/104"], "11.1.2.3", False),
        (["::/0"], "10.1.2.3", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["192.0.2.7/32"], "192.0.2.7", True),
        (["192.0.2.7/32"], "192.0.2.8", False),
        (["192.0.2.7/32", "198.51.100.0/24"], "198.51.100.9", True),
    ],
)
def test_networks(networks: list[str], address: str, inside: bool) -> None:
    rule = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"], "networks": networks}

    assert bool(evaluate(policy(rule), replace(QUERY, network=address))) == inside


@pytest.mark.parametrize(
    ("span", "moment", "inside"),
    [
        # over midnight: Friday night belongs to Friday
        (("fri", "22:00", "06:00", "UTC"), "2026-11-27T21:59:59+00:00", False),
        (("fri", "22:00", "06:00", "UTC"), "2026-11-27T22:00:00+00:00", True),
        (("fri", "22:00", "06:00", "UTC"), "2026-11-28T05:59:59+00:00", True),
        (("fri", "22:00", "06:00", "UTC"), "2026-11-28T06:00:00+00:00", False),
        (("fri", "22:00", "06:00", "UTC"), "2026-11-27T05:00:00+00:00", False),
        # over midnight and over the end of the week
        (("sun", "22:00", "06:00", "UTC"), "2026-11-30T05:00:00+00:00", True),
        # the whole day
        (("mon", "00:00", "24:00", "UTC"), "2026-11-23T23:59:59+00:00", True),
        (("mon", "00:00", "24:00", "UTC"), "2026-11-24T00:00:00+00:00", False),
        # another zone, another day
        (("mon", "08:00", "18:00", "Asia/Tokyo"), "2026-11-22T23:30:00+00:00", True),
        (("mon", "08:00", "18:00", "Asia/Tokyo"), "2026-11-23T09:00:00+00:00", False),
        # summer and winter time: eight o'clock is eight o'clock
        (("mon", "08:00", "18:00", "Europe/Berlin"), "2026-07-06T06:00:00+00:00", True),
        (("mon", "08:00", "18:00", "Europe/Berlin"), "2026-07-06T16:00:00+00:00", False),
        (("mon", "08:00", "18:00", "Europe/Berlin"), "2026-01-05T06:59:59+00:00", False),
        (("mon", "08:00", "18:00", "Europe/Berlin"), "2026-01-05T07:00:00+00:00", True),
        # 2026-10-25: 02:30 comes twice in Berlin, and both are half past two
        (("sun", "02:00", "03:00", "Europe/Berlin"), "2026-10-25T00:30:00+00:00", True),
        (("sun", "02:00", "03:00", "Europe/Berlin"), "2026-10-25T01:30:00+00:00", True),
        (("sun", "02:00", "03:00", "Europe/Berlin"), "2026-10-25T02:00:00+00:00", False),
        # 2026-03-29: no clock in Berlin ever showed 02:30
        (("sun", "02:00", "03:00", "Europe/Berlin"), "2026-03-29T00:59:59+00:00", False),
        (("sun", "02:00", "03:00", "Europe/Berlin"), "2026-03-29T01:00:00+00:00", False),
        (("sun", "01:00", "04:00", "Europe/Berlin"), "2026-03-29T01:30:00+00:00", True),
    ],
)
def test_hours(span: tuple[str, str, str, str], moment: str, inside: bool) -> None:
    day, start, end, zone = span
    hours = [{"days": [day], "from": start, "to": end, "zone": zone}]
    rule = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"], "hours": hours}

    assert bool(evaluate(policy(rule), replace(QUERY, at=datetime.fromisoformat(moment)))) == inside


@pytest.mark.parametrize("at", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_at_the_edge_of_the_calendar_hours_deny(at: datetime, zone: str) -> None:
    rule = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"]} | {
        "hours": [OFFICE | {"zone": zone}]
    }

    assert set(codes(policy(rule), replace(QUERY, at=at))) <= {"policy_hours"}


WRONG: list[tuple[str, Any]] = [
    ("purposes", []), ("purposes", "marketing"), ("purposes", ["Two Words"]), ("purposes", [1]), ("purposes", None),
    ("networks", []), ("networks", ["10.0.0.1/8"]), ("networks", ["10.0.0.0"]), ("networks", ["10.0.0.0/33"]),
    ("networks", ["10.0.0.0/255.0.0.0"]), ("networks", [10]), ("networks", ["10.0.0.0/8", ""]), ("networks", {}),
    ("networks", ["10.0.0.0/²"]),
    ("hours", []), ("hours", [{}]), ("hours", [OFFICE | {"zone": "Mars/Olympus"}]), ("hours", [OFFICE | {"zone": "../etc/passwd"}]),
    ("hours", [OFFICE | {"from": "8:00"}]), ("hours", [OFFICE | {"to": "24:01"}]), ("hours", [OFFICE | {"from": "24:00"}]),
    ("hours", [OFFICE | {"to": "08:00"}]), ("hours", [OFFICE | {"days": ["mon", "mon"]}]), ("hours", [OFFICE | {"days": []}]),
    ("hours", [OFFICE | {"days": ["monday"]}]), ("hours", [OFFICE | {"extra": 1}]), ("hours", [OFFICE | {"zone": []}]),
    ("rate", {"limit": 0, "per": "minute"}), ("rate", {"limit": True, "per": "minute"}), ("rate", {"limit": 1, "per": "day"}),
    ("rate", {"limit": 1.5, "per": "minute"}), ("rate", 10), ("rate", {"limit": 1, "per": []}), ("rate", None),
    ("quota", {"limit": 5, "per": "day"}), ("quota", {"limit": 5, "per": "day", "zone": "X"}), ("quota", {"limit": 5, "per": "week", "zone": "UTC"}),
    ("max_payload_bytes", 0), ("max_payload_bytes", -1), ("max_payload_bytes", "1000"), ("max_payload_bytes", True),
    ("max_payload_bytes", 10**30), ("valid_until", 3), ("valid_from", "2026-01-01"), ("colour", "red"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_malformed_condition_is_named_and_never_allows(key: str, value: Any) -> None:
    content = policy(RULE | {key: value})

    found = faults(content)

    assert [fault.path for fault in found if key in fault.path or key in fault.sentence], found
    assert codes(content, QUERY) == ["policy_does_not_allow"]
    assert sentences(content) == ["Rule 1 cannot be understood and allows nobody."]


@pytest.mark.parametrize("key", ["purposes", "networks", "hours", "rate", "quota", "max_payload_bytes"])
def test_the_first_version_of_the_schema_knows_no_such_condition(key: str) -> None:
    rule = {name: RULE[name] for name in ("effect", "subjects", "actions", key)}

    assert codes({"schema": "cardinal/policy/1", "rules": [rule]}, QUERY) == ["policy_does_not_allow"]


class TestLimits:
    PLAIN: dict[str, Any] = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"]}
    LIMITED: dict[str, Any] = PLAIN | {"rate": {"limit": 2, "per": "second"}}

    def test_what_has_to_be_counted_is_said(self) -> None:
        assert [charge.key for charge in charges(policy(self.LIMITED), QUERY)] == [key_of(self.LIMITED)]

    def test_nothing_is_counted_where_a_rule_without_limits_allows(self) -> None:
        assert charges(policy(self.LIMITED, self.PLAIN), QUERY) == ()
        assert evaluate(policy(self.LIMITED, self.PLAIN), QUERY)

    def test_nothing_is_counted_for_a_query_that_is_denied_anyway(self) -> None:
        assert charges(policy(self.LIMITED, self.PLAIN | {"effect": "deny"}), QUERY) == ()
        assert charges(policy(self.LIMITED | {"networks": ["192.0.2.0/24"]}), QUERY) == ()
        assert charges(policy(), QUERY) == charges(None, QUERY) == charges({"schema": "x"}, QUERY) == ()

    def test_the_same_rule_is_counted_on_in_the_next_version(self) -> None:
        assert key_of(self.LIMITED) == key_of(dict(reversed(self.LIMITED.items())))
        assert key_of(self.LIMITED) != key_of(self.LIMITED | {"actions": ["predict", "explain"]})

    @pytest.mark.parametrize(
        ("per", "zone", "name", "end"),
        [
            ("day", "UTC", "2026-11-23", "2026-11-24T00:00:00+00:00"),
            ("day", "Asia/Tokyo", "2026-11-23", "2026-11-23T15:00:00+00:00"),
            ("month", "UTC", "2026-11", "2026-12-01T00:00:00+00:00"),
        ],
    )
    def test_a_quota_counts_by_the_calendar_of_its_zone(
        self, per: str, zone: str, name: str, end: str
    ) -> None:
        rule = self.PLAIN | {"quota": {"limit": 5, "per": per, "zone": zone}}
        (charge,) = charges(policy(rule), QUERY)

        assert charge.quota
        assert charge.quota.window(NOW) == (name, datetime.fromisoformat(end))

    def test_a_day_of_25_hours_is_one_day(self) -> None:
        rule = self.PLAIN | {"quota": {"limit": 5, "per": "day", "zone": "Europe/Berlin"}}
        (charge,) = charges(policy(rule), QUERY)
        assert charge.quota

        first, end = charge.quota.window(datetime(2026, 10, 24, 22, tzinfo=UTC))
        last, same = charge.quota.window(datetime(2026, 10, 25, 22, 59, tzinfo=UTC))

        assert (first, end) == (last, same)
        assert end == datetime(2026, 10, 25, 23, tzinfo=UTC)


class TestSubjects:
    def test_a_service_account_answers_to_both_of_its_names(self) -> None:
        service = replace(QUERY, caller="scoring", service=True)

        for subject in ("service:scoring", "user:scoring"):
            rule = {"effect": "allow", "subjects": [subject], "actions": ["predict"]}
            assert evaluate(policy(rule), service)

    def test_a_person_is_no_service_account(self) -> None:
        rule = {"effect": "allow", "subjects": ["service:anna"], "actions": ["predict"]}

        assert codes(policy(rule), QUERY) == ["policy_does_not_allow"]


class TestNearest:
    def test_the_rule_that_names_the_caller_explains_before_one_for_a_group(self) -> None:
        group = {
            "effect": "allow",
            "subjects": ["group:all"],
            "actions": ["predict"],
            "networks": ["192.0.2.0/24"],
        }
        own = {
            "effect": "allow",
            "subjects": ["user:anna"],
            "actions": ["predict"],
            "purposes": ["x"],
            "max_payload_bytes": 5,
        }

        assert codes(policy(group, own), replace(QUERY, groups=frozenset({"all"}))) == [
            "policy_purpose",
            "policy_payload",
        ]

    def test_of_two_alike_the_one_with_the_fewest_failures_explains(self) -> None:
        far = {
            "effect": "allow",
            "subjects": ["user:anna"],
            "actions": ["predict"],
            "purposes": ["x"],
            "max_payload_bytes": 5,
        }
        near = {
            "effect": "allow",
            "subjects": ["user:anna"],
            "actions": ["predict"],
            "networks": ["192.0.2.0/24"],
        }

        assert codes(policy(far, near), QUERY) == ["policy_network"]


def test_the_walk_shows_each_condition_of_each_rule() -> None:
    deny = {"effect": "deny", "subjects": ["group:guests"], "actions": ["predict"]}
    steps = walk(policy(RULE, deny, "nonsense"), replace(QUERY, network="192.0.2.1", purpose=""))

    assert [(step.applies, step.names_caller, len(step.checks), bool(step.faults)) for step in steps] == [
        (False, True, 7, False),
        (False, False, 0, False),
        (False, False, 0, True),
    ]
    assert {check.code: check.holds for check in steps[0].checks} == {
        "policy_validity": True, "policy_hours": True, "policy_network": False, "policy_purpose": None,
        "policy_payload": True, "policy_rate": True, "policy_quota": True,
    }  # fmt: skip


def test_conditions_read_as_one_sentence() -> None:
    (said,) = sentences(policy(RULE))

    assert said == (
        "The account anna may predict from 2026-01-01 00:00 UTC until 2027-01-01 00:00 UTC, "
        "Monday and Tuesday from 08:00 to 18:00 (Europe/Berlin), from the network 10.0.0.0/8 or 2001:db8::/32, "
        "for the purpose assess-loan-applications, with at most 1000 bytes a query, at most 10 times a minute, "
        "at most 1000 times a day (Europe/Berlin)."
    )


def test_paragraphs_and_points_of_intended_use_are_purposes() -> None:
    assert uses(
        "- Assess loan\n  applications.\n2) Préselection: of *files*\n\nTriage,\nat night\n--\n\n"
        + "long word " * 20
    ) == {
        "assess-loan-applications": "Assess loan applications.",
        "preselection-of-files": "Préselection: of *files*",
        "triage-at-night": "Triage, at night --",
        "long-word-long-word-long-word-long-word-long-word-long-word-long-word-long-word": (
            "long word " * 20
        ).strip(),
    }


@given(st.text(max_size=200))
def test_every_purpose_fits_its_header(prose: str) -> None:
    rule = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"]}

    for name in uses(prose):
        assert not faults(policy(rule | {"purposes": [name]}))


ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["allow", "deny", "user:anna", "group:g", "predict", "10.0.0.0/8", "mon", "08:00", "24:00", "UTC",
                       "minute", "day", "assess-loan-applications", "2026-01-01T00:00:00+00:00", SCHEMA])
)  # fmt: skip
KEYS = [*RULE, "schema", "rules", "tests", "days", "from", "to", "zone", "limit", "per", "colour"]
JSON = st.recursive(
    ATOMS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
NEARLY = st.lists(st.tuples(st.sampled_from([key for key in RULE if key != "effect"]), JSON), max_size=3).map(
    lambda changes: RULE | dict(changes)
)


@given(content=JSON | st.lists(NEARLY | JSON, max_size=3).map(lambda rules: policy(*rules)))
@settings(max_examples=500, deadline=None)
def test_any_json_gives_an_answer_and_only_what_could_be_published_allows(content: Any) -> None:
    answer = evaluate(content, QUERY)
    walk(content, QUERY)
    charges(content, QUERY)
    said = sentences(content)

    assert all(text.endswith(".") for text in said)
    if answer:
        sound = [rule for rule in content["rules"] if not faults(policy(rule))]
        assert evaluate(policy(*sound), QUERY)


@given(raw=NEARLY)
@settings(max_examples=300, deadline=None)
def test_a_denial_that_cannot_be_read_denies(raw: dict[str, Any]) -> None:
    broken = raw | {"effect": "deny", "rate": {}}
    plain = {"effect": "allow", "subjects": ["user:anna"], "actions": ["predict"]}

    assert codes(policy(plain, broken), QUERY) == ["policy_denies"]
