"""The table of reasons: for each one the single condition that, flipped in an otherwise allowed query, gives it.

A flip bends the token, the model or the question. Flips of different parts go together, and so do those of one part
unless they bend the same thing; the reference says which of two is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from governance.actions import glass, service_accounts, stops, token_lives
from governance.models import PolicyVersion, ServiceAccount, Stop, Token
from governance.policies import SCHEMA
from governance.tokens import new
from registry.actions import catalogue
from registry.models import Environment, Model, User
from tests import factories
from tests.governance.gate.stand import publish, served, sql
from tests.governance.gate.wire import Ask

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "gate.md"
BODY_LIMIT = 100_000

# The question: what is bent in it. The first of two that cannot go together is named by the second.
QUESTION: dict[str, dict[str, Any]] = {
    "several_credentials": {"header": ("Authorization: Bearer x",)},
    "headers_refused": {"header": ("Cardinal-Purpose: one", "Cardinal-Purpose: two")},
    "token_in_url": {"query": "?access_token=x"},
    "path_refused": {"path": "/models/{model}{where}/../invocations"},
    "method_refused": {"method": "PUT"},
    "too_large": {"length": str(BODY_LIMIT + 1)},
    "purpose_malformed": {"purpose": "Not Plain"},
    "token_missing": {"scheme": ""},
    "token_malformed": {"secret": "crd_nonsense"},
    "token_unknown": {"secret": new("p", "another pepper").text},
    "model_unknown": {"model": "no-such-model"},
    "version_unknown": {"where": "/versions/99"},
    "not_cleared": {"where": "/versions/3"},
    "no_endpoint": {"where": "/versions/2"},
    "protocol_refused": {"path": "/v2/models/{model}{where}/infer"},
}
NEVER_TOGETHER = (
    {"several_credentials", "token_missing"},
    {"token_missing", "token_malformed"},
    {"token_missing", "token_unknown"},
    {"token_malformed", "token_unknown"},
    {"version_unknown", "not_cleared"},
    {"version_unknown", "no_endpoint"},
    {"not_cleared", "no_endpoint"},
    {"path_refused", "protocol_refused"},
)
NOT_AT_CHECK = frozenset({"too_large", "no_endpoint", "protocol_refused"})

# The token: how it is issued, and what becomes of it.
ISSUED: dict[str, dict[str, Any]] = {
    "scope_action": {"actions": ("explain",)},
    "scope_network": {"networks": ("192.0.2.0/24",)},
    "scope_purpose": {"purpose": "triage"},
    "scope_version": {"versions": (9,)},
    "token_rate": {"limits": {"rate": {"limit": 1, "per": "hour"}}},
    "token_quota": {"limits": {"quota": {"limit": 1, "per": "month", "zone": "UTC"}}},
    "scope_model": {},
}
BECAME = {
    "token_revoked": "revoked_at = now(), revoked_by_id = issued_by_id, ended_as = 'revoked'",
    "token_expired": "expires_at = now() - interval '1 minute', issued_at = issued_at - interval '1 day'",
    "token_waiting": "needs_second = true",
    "token_outlived": "issued_at = issued_at - interval '50 days'",
    "limits_unavailable": 'limits = \'{"rate": "often"}\'',
}
WHOSE = frozenset({"caller_inactive", "sponsor_inactive", "scope_lost"})
TOKEN = (*ISSUED, *BECAME, "stopped_token", *sorted(WHOSE))
COUNTED = frozenset({"token_rate", "token_quota", "limits_unavailable"})

# The model: which policy is in force, and what else is so.
RULE: dict[str, Any] = {"effect": "allow", "actions": ["predict"]}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rules() -> dict[str, dict[str, Any]]:
    """What each policy adds to the rule that allows."""
    now = timezone.now()
    days = [WEEKDAYS[(now.weekday() + 3) % 7]]
    return {
        "policy_does_not_allow": {"subjects": ["group:auditor"]},
        "policy_validity": {"valid_from": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")},
        "policy_hours": {"hours": [{"days": days, "from": "08:00", "to": "18:00", "zone": "UTC"}]},
        "policy_network": {"networks": ["192.0.2.0/24"]},
        "policy_purpose": {"purposes": ["something-true-about-intended-uses"]},
        "policy_payload": {"max_payload_bytes": 1},
        "policy_rate": {"rate": {"limit": 1, "per": "hour"}},
        "policy_quota": {"quota": {"limit": 1, "per": "month", "zone": "UTC"}},
    }


STOPPED = ("stopped_all", "stopped_model")
MODEL = ("no_policy", "policy_malformed", "policy_denies", *rules(), "version_not_named", *STOPPED)


def order() -> list[str]:
    """The codes of the reference, in the order in which it says that they are checked."""
    text = REFERENCE.read_text().partition("## Reason codes")[2].partition("Not decisions")[0]
    return re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", text, re.MULTILINE)


@dataclass
class House:
    """A model with everything an allowed query needs, tokens with some conditions flipped, and policies to put in force."""

    url: str
    model: Model = field(init=False)
    other: Model = field(init=False)
    callers: dict[frozenset[str], User] = field(default_factory=dict)
    asks: dict[frozenset[str], Ask] = field(default_factory=dict)
    policies: dict[str, int | None] = field(default_factory=dict)
    _ids: dict[frozenset[str], Any] = field(default_factory=dict)
    _stop: Stop | None = None

    def make(self, wanted: Iterable[frozenset[str]]) -> None:
        """All of it by verbs: a token for each of these sets of conditions that shall not hold."""
        self._models()
        for bits in wanted:
            if bits & WHOSE not in self.callers:
                self.callers[bits & WHOSE] = self._caller(bits & WHOSE)
            self._token(bits)
        self._policies()

    def _models(self) -> None:
        """Version 1 may answer, 2 has no endpoint, 3 is not cleared, and for 4 the glass is broken."""
        self.model, self.other = served(url=self.url).model, factories.model()
        factories.approved_version(factories.version(model=self.model, number=2))
        made = [factories.version(model=self.model, number=number) for number in (3, 4)]
        place: dict[str, Any] = {"version": made[1], "environment": Environment.PRODUCTION}
        catalogue.set_endpoint(url=self.url, by=factories.member("admin"), **place)
        asked = glass.ask(minutes=30, reason="Outage.", by=factories.member("owner", "asker"), **place)
        glass.grant(glass=asked, by=factories.member("compliance"))

    def _caller(self, whose: frozenset[str]) -> User:
        """A service account of a sponsor, who is one of two: the one who stays and the one who goes."""
        sponsor = factories.member("owner", "goes" if "sponsor_inactive" in whose else "stays")
        made = service_accounts.make(
            name=f"bot-{len(self.callers)}", sponsor=sponsor, purpose="Asks.", by=factories.member("admin")
        )
        for model in (self.model, self.other):
            factories.share(model, made.account)
        return made.account

    def _token(self, bits: frozenset[str]) -> None:
        limits: dict[str, Any] = {}
        for code in sorted(bits & set(ISSUED)):
            limits |= ISSUED[code]
        owner = self.callers[bits & WHOSE]
        by = ServiceAccount.objects.get(account=owner).sponsor
        model = self.other if "scope_model" in bits else self.model
        token, secret = factories.token(model, owner=owner, by=by, **limits)
        purpose = "marketing" if "scope_purpose" in bits else ""
        self.asks[bits], self._ids[bits] = Ask(secret.text, self.model.slug, purpose=purpose), token.pk

    def _policies(self) -> None:
        """Each is published once; in force is the last, which allows. One that nobody can read no verb would take."""
        named = {"subjects": [f"user:{one.username}" for one in self.callers.values()]}
        deny = RULE | named | {"effect": "deny"}
        self.policies["policy_denies"] = self._put(RULE | named, deny)
        for code, more in rules().items():
            self.policies[code] = self._put(RULE | named | more)
        self.policies["no_policy"] = None
        self.policies[""] = self._put(RULE | named)
        bad = PolicyVersion.objects.get(pk=self.policies[""])
        bad.pk, bad.number, bad.body = None, bad.number + 1, b'{"schema":"unknown"}'
        bad.save(force_insert=True)
        self.policies["policy_malformed"] = bad.pk

    def _put(self, *content: Mapping[str, Any]) -> int:
        return publish(self.model, {"schema": SCHEMA, "rules": list(content)}).pk

    def flip(self, code: str) -> None:
        """The one condition of the model does not hold; "" and all do."""
        by = factories.member("compliance")
        if self._stop:
            self._stop = stops.lift(stop=self._stop, reason="Settled.", by=by) and None
        if code == "stopped_all":
            self._stop, code = stops.stop_all(reason="Attacked.", by=by), ""
        if code == "stopped_model":
            self._stop, code = stops.stop_model(model=self.model, reason="Nonsense.", by=by), ""
        if code == "version_not_named":
            sql("DELETE FROM registry_alias WHERE model_id = %s", self.model.pk)()
            code = ""
        elif not self.model.aliases.exists():
            catalogue.move_aliases(model=self.model, aliases={"champion": 1}, by=factories.member("admin"))
        sql(
            "UPDATE governance_policy SET in_force_id = %s WHERE model_id = %s AND environment = 'production'",
            self.policies[code], self.model.pk,
        )()  # fmt: skip

    def ruin(self) -> None:
        """What time, mistakes and administrators make of tokens and their owners after they were issued."""
        for bits, pk in self._ids.items():
            if "stopped_token" in bits:
                stops.stop_token(token=Token.objects.get(pk=pk), reason="Lost.", by=factories.member("admin"))
        sql("ALTER TABLE governance_token DISABLE TRIGGER token_course")()
        for bits, pk in self._ids.items():
            for code in sorted(bits & set(BECAME)):
                sql(f"UPDATE governance_token SET {BECAME[code]} WHERE id = %s", pk)()
        sql("ALTER TABLE governance_token ENABLE ALWAYS TRIGGER token_course")()
        for whose, one in self.callers.items():
            if "scope_lost" in whose:
                for model in (self.model, self.other):
                    catalogue.unshare_model(model=model, audience=one, by=factories.member("admin"))
            if "caller_inactive" in whose:
                sql("UPDATE registry_user SET is_active = false WHERE id = %s", one.pk)()
        sql("UPDATE registry_user SET is_active = false WHERE username = 'goes'")()
        token_lives.decide(
            risk_class="limited", days=40, rationale="Policy 9.", by=factories.member("compliance")
        )
