"""Who may query the demo's models: policies, tokens in every state, and the lines that the demo prints."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from governance.actions import policies as policy_verbs
from governance.actions import revocations
from governance.actions import tokens as token_verbs
from governance.demo import README, SKETCHED, accounts, papers, training
from governance.embedded.places import replace
from governance.models import Policy, Token
from governance.policies import SCHEMA
from governance.scopes import Scope
from registry.models import Environment, Model, User

WORKS, ENDED, WITHDRAWN = "Loan desk", "Nightly scoring, ended", "Notebook, lost laptop"
WAITS, ROTATED = "Branch offices", "Card payments"
FOUND = "Digits, found in a public repository"
LIFE = timedelta(days=30)
PRODUCTION = Environment.PRODUCTION.value
MORE_RULES = {
    "credit-scorer": [{"effect": "allow", "subjects": ["user:reviewer"], "actions": ["predict"]}],
    "tumour-classifier": [{"effect": "deny", "subjects": ["user:compliance"], "actions": ["predict"]}],
}
# Reviewers may ask the digit reader for explanations in working hours, on this machine, for what its card is for.
LIMITED = "digit-reader"
HOURS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}
Account = Mapping[str, User]


def policies(people: Account) -> None:
    """In production the owners may query each governed model; some models have a rule more."""
    for name in sorted({name for name, _ in training.served()}):
        model = Model.objects.get(name=name)
        if Policy.objects.filter(model=model, environment=PRODUCTION, in_force__isnull=False).exists():
            continue
        rules = [{"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]}]
        content: dict[str, Any] = {"schema": SCHEMA, "rules": [*rules, *MORE_RULES.get(name, [])]}
        if name == LIMITED:
            _limit(content, model)
        policy_verbs.publish(
            model=model,
            environment=PRODUCTION,
            content=content,
            on_top_of=0,
            by=people["owner"],
        )


def _limit(content: dict[str, Any], model: Model) -> None:
    """A rule with conditions, and the test cases that show what it lets through."""
    conditions: dict[str, Any] = {"networks": ["127.0.0.0/8"], "hours": [HOURS]}
    purposes = sorted(policy_verbs.intended_uses(model))
    if purposes:
        conditions["purposes"] = purposes
    content["rules"].append(
        {"effect": "allow", "subjects": ["group:reviewer"], "actions": ["explain"], **conditions}
    )
    case = {
        "who": "user:reviewer",
        "groups": ["reviewer"],
        "action": "explain",
        "at": "2026-11-23T10:00:00+00:00",  # a Monday
        "purpose": purposes[0] if purposes else "",
    }
    content["tests"] = [
        case | {"name": "A reviewer on this machine", "network": "127.0.0.1", "expect": "allow"},
        case
        | {"name": "Not from elsewhere", "network": "192.0.2.7", "expect": "deny", "code": "policy_network"},
    ]


def tokens(folder: Path, people: Account) -> dict[str, str]:
    """A token that works, one that ends at once and one revoked. Returns the secret of the first.

    The secret is kept in a private file for one reason: the demo prints a query that can be pasted. Cardinal itself
    keeps no secret, only its keyed digest.
    """
    path = folder / "tokens.json"
    kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if not _is_active(kept.get("id", "")):
        token, secret = _issue(WORKS, LIFE, people)
        token_verbs.countersign(token=token, by=people["admin"])  # it reaches a high-risk model: two people
        kept = {"id": str(token.pk), "name": WORKS, "secret": secret}
        replace(path, json.dumps(kept))
    if not Token.objects.filter(name=ENDED).exists():
        _issue(ENDED, timedelta(seconds=2), people)
    if not Token.objects.filter(name=WITHDRAWN).exists():
        token, _ = _issue(WITHDRAWN, LIFE, people)
        token_verbs.revoke(token=token, by=people["owner"])
    if not Token.objects.filter(name=ROTATED).exists():
        token, _ = _issue(ROTATED, LIFE, people, model="digit-reader")
        token_verbs.rotate(token=token, by=people["owner"])
    if not Token.objects.filter(name=FOUND).exists():
        _, text = _issue(FOUND, LIFE, people, model="digit-reader")
        found = [(text, "https://code.example/notebooks/digits.ipynb")]
        revocations.end_leaked(found=found, by=people["machine"])
    return kept


def waiting_token(people: Account) -> None:
    """Once the risk class is decided: a token that waits for its second person."""
    if not Token.objects.filter(name=WAITS).exists():
        _issue(WAITS, LIFE, people)


def wait_for_expiry() -> None:
    """Wait for the token that was issued to expire."""
    last = Token.objects.filter(name=ENDED).order_by("-expires_at").first()
    if last:
        time.sleep(max(0.0, (last.expires_at - timezone.now()).total_seconds()))


def summary(folder: Path, kept: Mapping[str, str], example: Any) -> str:
    """Log-ins, a query to paste, and what was left undone on purpose."""
    body = json.dumps(example, separators=(",", ":"))
    who = [f"  {name:<11}{does}" for name, does in accounts.ROLES.items()]
    waiting = ", ".join(papers.waiting())
    return "\n".join(
        [
            f"Log in at {settings.SITE_URL} with the password {accounts.password(folder)} as",
            *who,
            "",
            "A query through the gate, with a token of owner for credit-scorer",
            f"(kept in {folder / 'tokens.json'} so that it can be printed here; nothing else keeps a token):",
            "",
            f"curl {settings.GATE_URL}/models/credit-scorer/invocations \\",
            f"  -H 'Authorization: Bearer {kept['secret']}' \\",
            f"  -H 'Content-Type: application/json' -d '{body}'",
            "",
            "Left undone on purpose",
            f"  The card of {waiting} waits for its review: log in as reviewer."
            if waiting
            else "  No card waits for a review any more.",
            "  The model churn-sketch is on the tracking server and nobody governs it: log in as owner.",
            f"  {README} waits in Imports, and the datasheet of {SKETCHED} holds proposals that nobody has accepted.",
            f"  The token “{ENDED}” has expired, and “{WITHDRAWN}” was revoked.",
            f"  The token “{WAITS}” waits for a second person: log in as admin.",
            "  The owner asks to break the glass for churn-sketch in staging: grant it or let it be, as admin.",
            "  The deputy is away: compliance is asked in their place.",
            "",
        ]
    )


def _is_active(pk: str) -> bool:
    token = Token.objects.filter(pk=pk).first() if pk else None
    return token is not None and token.state == "active"


def _issue(name: str, life: timedelta, people: Account, model: str = "credit-scorer") -> tuple[Token, str]:
    token, secret = token_verbs.issue(
        name=name,
        owner=people["owner"],
        models=[Model.objects.get(name=model)],
        scope=Scope(actions=("predict",)),
        environment=PRODUCTION,
        expires_at=timezone.now() + life,
        by=people["owner"],
    )
    return token, secret.text
