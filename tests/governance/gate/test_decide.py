"""The truth table: everything right allows, any single condition flipped denies, and names it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import clearance, policies
from governance.gate import reasons
from governance.gate.database import since_1970
from governance.gate.decide import decide, weigh
from governance.gate.doors import MLFLOW, Operation
from governance.gate.facts import Facts, TokenFacts
from governance.gate.request import Query
from governance.gate.upstream import Upstream
from governance.policies import Shortage

SERVER = Upstream("http://127.0.0.1:5001")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = TokenFacts(
    id="5a2e", environment="production", actions=("predict",), expired=False, revoked=False, caller="scorer",
    active=True, groups=frozenset({"services"}),
)  # fmt: skip
OWN = replace(TOKEN, limits={"rate": {"limit": 2, "per": "minute"}})


def policy(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"schema": policies.SCHEMA, "rules": list(rules)}


ALLOW = {"effect": "allow", "subjects": ["user:scorer"], "actions": ["predict"]}
DENY = {"effect": "deny", "subjects": ["group:services"], "actions": ["predict"]}
HOUR = {"days": ["sun"], "from": "08:00", "to": "18:00", "zone": "UTC"}
LIMITED = ALLOW | {
    "rate": {"limit": 2, "per": "minute"},
    "quota": {"limit": 9, "per": "day", "zone": "UTC"},
}
KEY = policies.compiled(policy(LIMITED)).rules[0].charge.key  # type: ignore[union-attr]
FACTS = Facts(
    at=NOW, token=TOKEN, model_known=True, in_scope=True, in_sight=True, version_in_scope=True, policy=policy(ALLOW), version=2, cleared=True,
    endpoint=SERVER,
)  # fmt: skip
QUERY = Query(
    door="proxy", request_id="r" * 8, method="POST", model="credit-scorer", operation=Operation(MLFLOW)
)

FLIPS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("token_unknown", {"token": None}, {}),
    ("token_revoked", {"token": replace(TOKEN, revoked=True)}, {}),
    ("token_expired", {"token": replace(TOKEN, expired=True)}, {}),
    ("caller_inactive", {"token": replace(TOKEN, active=False)}, {}),
    (
        "model_unknown",
        {"model_known": False, "in_scope": False, "policy": None, "version": None, "cleared": False},
        {},
    ),
    ("stopped_token", {"token": replace(TOKEN, stopped=True)}, {}),
    ("stopped_all", {"all_stopped": True}, {}),
    ("stopped_model", {"model_stopped": True}, {}),
    ("scope_model", {"in_scope": False}, {}),
    ("scope_lost", {"in_sight": False}, {}),
    ("token_waiting", {"token": replace(TOKEN, waiting=True)}, {}),
    ("token_waiting", {"second_missing": True}, {}),
    ("token_outlived", {"outlived": True}, {}),
    ("sponsor_inactive", {"token": replace(TOKEN, answered_for=False)}, {}),
    ("scope_network", {"token": replace(TOKEN, networks=("192.0.2.0/24",))}, {}),
    ("scope_network", {"token": replace(TOKEN, networks=("192.0.2.0/24",))}, {"network": "198.51.100.1"}),
    ("scope_network", {"token": replace(TOKEN, networks=("nonsense",))}, {"network": "198.51.100.1"}),
    ("scope_purpose", {"token": replace(TOKEN, purpose="triage")}, {"purpose": "marketing"}),
    ("scope_version", {"version_in_scope": False}, {}),
    ("limits_unavailable", {"token": OWN}, {}),
    ("limits_unavailable", {"token": replace(TOKEN, limits={"rate": "often"})}, {}),
    ("limits_unavailable", {"token": OWN, "spent": {"token:5a2e": Shortage("limits_unavailable")}}, {}),
    ("token_rate", {"token": OWN, "spent": {"token:5a2e": Shortage("policy_rate", 7)}}, {}),
    ("token_quota", {"token": OWN, "spent": {"token:5a2e": Shortage("policy_quota", 7)}}, {}),
    ("scope_action", {"token": replace(TOKEN, actions=())}, {}),
    ("scope_action", {}, {"action": "explain"}),
    ("no_policy", {"policy": None}, {}),
    ("no_policy", {"policy": {}}, {}),
    ("policy_malformed", {"policy": {"schema": "unknown"}}, {}),
    ("policy_denies", {"policy": policy(ALLOW, DENY)}, {}),
    ("policy_denies", {"policy": policy(ALLOW, {"effect": "deny"})}, {}),
    ("policy_does_not_allow", {"policy": policy()}, {}),
    ("policy_does_not_allow", {"policy": policy(ALLOW | {"subjects": ["user:somebody"]})}, {}),
    ("policy_validity", {"policy": policy(ALLOW | {"valid_until": NOW.isoformat()})}, {}),
    ("policy_purpose", {"policy": policy(ALLOW | {"purposes": ["triage"]})}, {}),
    (
        "policy_network",
        {"policy": policy(ALLOW | {"networks": ["192.0.2.0/24"]})},
        {"network": "198.51.100.1"},
    ),
    ("policy_network", {"policy": policy(ALLOW | {"networks": ["192.0.2.0/24"]})}, {}),
    ("policy_hours", {"policy": policy(ALLOW | {"hours": [HOUR]})}, {}),
    ("policy_payload", {"policy": policy(ALLOW | {"max_payload_bytes": 5})}, {"payload_bytes": 6}),
    ("policy_rate", {"policy": policy(LIMITED), "spent": {KEY: Shortage("policy_rate", 7)}}, {}),
    ("policy_quota", {"policy": policy(LIMITED), "spent": {KEY: Shortage("policy_quota", 7)}}, {}),
    ("limits_unavailable", {"policy": policy(LIMITED)}, {}),
    ("limits_unavailable", {"policy": policy(LIMITED), "spent": {KEY: Shortage("limits_unavailable")}}, {}),
    ("version_not_named", {"version": None}, {}),
    ("version_unknown", {"version": None}, {"named": True}),
    ("not_cleared", {"cleared": False, "unmet": ("card_in_review",)}, {}),
    ("no_endpoint", {"endpoint": None}, {}),
    ("protocol_refused", {"endpoint": replace(SERVER, protocol="v2")}, {}),
]


def test_everything_right_is_allowed() -> None:
    answer = decide(QUERY, FACTS)

    assert answer.allowed
    assert (answer.reason, answer.version, answer.caller, answer.token) == ("allowed", 2, "scorer", "5a2e")
    assert (answer.environment, answer.endpoint, answer.at) == ("production", SERVER, since_1970(NOW))


@pytest.mark.parametrize(
    ("code", "facts", "query"), FLIPS, ids=[f"{n}-{flip[0]}" for n, flip in enumerate(FLIPS)]
)
def test_one_condition_flipped_denies_and_names_it(
    code: str, facts: dict[str, Any], query: dict[str, Any]
) -> None:
    answer = decide(replace(QUERY, **query), replace(FACTS, **facts))

    assert not answer.allowed
    assert answer.reason == code
    assert answer.endpoint is None


def test_what_is_allowed_but_for_its_limits_has_to_be_counted_first() -> None:
    answer, owed = weigh(QUERY, replace(FACTS, policy=policy(LIMITED)))

    assert answer.allowed
    assert [charge.key for charge in owed] == [KEY]


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"cleared": False, "unmet": ("x",)}, "not_cleared"),
        ({"token": None}, "token_unknown"),
        ({"in_scope": False}, "scope_model"),
        ({"policy": policy(LIMITED, DENY)}, "policy_denies"),
        ({"policy": policy(LIMITED, ALLOW)}, "allowed"),
    ],
)
def test_a_denial_costs_nothing_nor_does_a_rule_without_limits(facts: dict[str, Any], code: str) -> None:
    answer, owed = weigh(QUERY, replace(FACTS, **({"policy": policy(LIMITED)} | facts)))

    assert (answer.reason, owed) == (code, ())


def test_whoever_is_too_fast_hears_when_to_come_again() -> None:
    spent = {KEY: Shortage("policy_rate", 7)}

    assert decide(QUERY, replace(FACTS, policy=policy(LIMITED), spent=spent)).wait == 7


def test_a_proxy_that_has_its_own_model_server_needs_no_endpoint() -> None:
    assert decide(replace(QUERY, door="check"), replace(FACTS, endpoint=None)).allowed


def test_an_unknown_model_is_told_as_one_out_of_scope() -> None:
    assert reasons.told("model_unknown") is reasons.told("scope_model")


def test_the_reasons_of_a_clearance_are_told() -> None:
    answer = decide(QUERY, replace(FACTS, cleared=False, unmet=("card_in_review", "artifact_unknown")))

    assert answer.unmet == ("card_in_review", "artifact_unknown")


@given(
    st.builds(
        Facts,
        at=st.just(NOW),
        token=st.none()
        | st.builds(
            TokenFacts, id=st.just("x"), environment=st.just("staging"),
            actions=st.sampled_from([(), ("predict",)]), expired=st.booleans(), revoked=st.booleans(),
            waiting=st.booleans(), answered_for=st.booleans(), networks=st.sampled_from([(), ("192.0.2.0/24",)]),
            caller=st.just("scorer"), active=st.booleans(), groups=st.just(frozenset()),
        ),
        model_known=st.booleans(),
        in_scope=st.booleans(),
        in_sight=st.booleans(),
        second_missing=st.booleans(),
        outlived=st.booleans(),
        version_in_scope=st.booleans(),
        policy=st.sampled_from([None, {}, policy(ALLOW), policy(DENY), policy(ALLOW, {"effect": "deny"})]),
        version=st.none() | st.just(1),
        cleared=st.booleans(),
        endpoint=st.sampled_from([None, SERVER, replace(SERVER, protocol="v1")]),
    )
)  # fmt: skip
def test_allowed_means_that_every_condition_holds(facts: Facts) -> None:
    answer = decide(QUERY, facts)

    token = facts.token
    holds = (
        token is not None
        and not token.expired
        and not token.revoked
        and token.active
        and not token.waiting
        and token.answered_for
        and token.networks == ()
        and token.actions == ("predict",)
        and facts.model_known
        and facts.in_scope
        and facts.in_sight
        and not facts.second_missing
        and not facts.outlived
        and facts.version_in_scope
        and facts.policy == policy(ALLOW)
        and facts.version is not None
        and facts.cleared
        and facts.endpoint == SERVER
    )
    assert answer.allowed == holds
    assert answer.reason in reasons.CODES
    assert (answer.reason == "allowed") == holds


def test_every_code_that_a_policy_can_give_stands_in_the_table() -> None:
    for content in (None, {"schema": "x"}, policy(DENY), policy()):
        verdict = policies.evaluate(
            content, policies.Query("scorer", frozenset({"services"}), "predict", NOW)
        )
        assert verdict.reasons[0].code in reasons.REASONS


def test_the_reference_names_every_code() -> None:
    from pathlib import Path

    page = (Path(__file__).resolve().parents[3] / "docs" / "reference" / "gate.md").read_text()

    for code in (
        *reasons.CODES,
        "cannot_decide",
        "upstream_unreachable",
        "upstream_timed_out",
        "not_assessed",
    ):
        assert f"`{code}`" in page, code
    for condition in clearance.assess(clearance.Facts(now=clearance.Basis())):
        if condition.reason:
            assert f"`{condition.reason.code}`" in page, condition.reason.code


@pytest.mark.parametrize(
    "stop", [{"all_stopped": True}, {"model_stopped": True}, {"token": replace(TOKEN, stopped=True)}]
)
def test_broken_glass_does_not_override_a_stop(stop: dict[str, Any]) -> None:
    broken = replace(FACTS, cleared=False, unmet=("card_in_review",), broken_glass=True)
    assert decide(QUERY, broken).allowed

    answer = decide(QUERY, replace(broken, **stop))

    assert (answer.allowed, answer.told.code) == (False, "stopped")


# Everything that tells who asks, and whether the model exists for them, is told before a stop of it.
@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"token": None}, "token_unknown"),
        ({"token": replace(TOKEN, revoked=True, stopped=True)}, "token_revoked"),
        ({"token": replace(TOKEN, expired=True, stopped=True)}, "token_expired"),
        ({"token": replace(TOKEN, active=False, stopped=True)}, "caller_inactive"),
    ],
)
def test_a_stop_tells_nothing_to_whoever_is_nobody(facts: dict[str, Any], told: str) -> None:
    stopped = replace(FACTS, all_stopped=True, model_stopped=True)

    assert decide(QUERY, replace(stopped, **facts)).told.code == told


@pytest.mark.parametrize("hidden", [{"model_known": False}, {"in_scope": False}, {"in_sight": False}])
def test_a_stopped_model_looks_like_any_other_to_whoever_does_not_reach_it(hidden: dict[str, Any]) -> None:
    told = [decide(QUERY, replace(FACTS, model_stopped=stopped, **hidden)).told for stopped in (False, True)]

    assert told[0] == told[1]
    assert told[0].code == "scope_model"
