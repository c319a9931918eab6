"""The smallest valid state, reached by verbs and never around them.

    version = factories.version()                 registered, with a run, its training data and a manifest; shared
    version = factories.approved_version()        ... with a datasheet, a system, a complete card, approved: cleared
    review = factories.submitted_review()         ... waiting for a judgement

Whoever is not named acts in the role that the table of roles foresees: `member("owner")` and so on.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone
from PIL import Image

from governance import signing
from governance.actions import policies, reviews, risk
from governance.actions import tokens as token_verbs
from governance.models import Anomaly, PolicyVersion, Review, RiskDecision, Token
from governance.permissions import still_wanted
from governance.scopes import Scope
from governance.tokens import Secret
from registry.actions import catalogue, data, documents, figures, imports, roles, servers, systems, teams
from registry.documents.content import blank
from registry.documents.outline import Column, Field, outline
from registry.models import (
    Dataset,
    Figure,
    Import,
    Manifest,
    Model,
    Revision,
    Role,
    RoleGrant,
    Run,
    System,
    Team,
    TrackingServer,
    User,
    Version,
)

README = """---
license: mit
language: no
tags: [digits]
widget:
- text: "7"
---

# Model Card for Digit reader

Reads one digit from a scanned form.

## Uses

Sorting post.

## Limitations

[More Information Needed]
"""

PASSWORD = "correct horse battery staple"

# Another measurement of the same database begins where no earlier one was; a test begins at one.
_next = count(int(os.environ.get("FACTORIES_FROM", "1"))).__next__


def member(role: str, name: str = "") -> User:
    """Somebody with this role; one account per name, named like the role unless told otherwise."""
    user, _ = User.objects.get_or_create(
        username=name or role, defaults={"email": f"{name or role}@example.org"}
    )
    if role not in RoleGrant.objects.standing().filter(user=user).values_list("role", flat=True):
        until = timezone.now() + timedelta(days=30) if role == Role.AUDITOR else None
        roles.give(user=user, role=role, reason="For a test.", until=until, by=User.machine())
    return User.objects.get(pk=user.pk)  # fresh: permissions are remembered on the object


def team(*members: User, lead: User | None = None, name: str = "") -> Team:
    """A team with these members."""
    handle = name or f"team-{_next()}"
    boss = member("admin")
    made = teams.make(handle=handle, name=handle.replace("-", " ").capitalize(), by=boss)
    if lead:
        teams.add(team=made, user=lead, lead=True, by=boss)
    for one in members:
        teams.add(team=made, user=one, by=boss)
    return made


def tracking_server() -> TrackingServer:
    """A tracking server that is followed. Nothing listens there."""
    number = _next()
    return servers.add(name=f"tracking-{number}", uri=f"http://127.0.0.1:9/{number}", by=User.machine())


def model(*, server: TrackingServer | None = None, name: str = "", shared: bool = True) -> Model:
    """A model, shared with owners and reviewers unless told otherwise."""
    made = catalogue.register_model(
        server=server or tracking_server(),
        name=name or f"model-{_next()}",
        description="",
        tags={},
        created_at=timezone.now(),
        by=User.machine(),
    )
    if shared:
        for role in ("owner", "reviewer"):
            share(made, Group.objects.get(name=role))
    return made


def share(model: Model, audience: Group | User) -> Model:
    """Let a person or a group see `model`."""
    return catalogue.share_model(model=model, audience=audience, by=member("admin"))


def run(*, server: TrackingServer, dataset: str = "") -> Run:
    """A finished run that used one snapshot of a dataset for training."""
    used = {
        "name": dataset or f"dataset-{_next()}",
        "weak_digest": f"{_next():08x}",
        "source_type": "local",
        "source": "",
        "schema": {},
        "profile": {"num_rows": 400},
        "context": "training",
    }
    facts = {"status": "FINISHED", "params": {"depth": "3"}, "metrics": {"auc": 0.9}}
    return data.record_run(
        server=server, run_id=f"{_next():032x}", facts=facts, inputs=[used], by=User.machine()
    )


def version(*, model: Model | None = None, dataset: str = "", number: int = 1) -> Version:
    """A version with a run, training data and hashed files; its model is shared with owners and reviewers."""
    of = model or globals()["model"]()
    made = catalogue.register_version(
        model=of,
        number=number,
        registered_at=timezone.now(),
        run=run(server=of.server, dataset=dataset),
        facts={"source": "models:/m-1", "status": "READY"},
        by=User.machine(),
    )
    manifest(made)
    return made


def unread_version(*, model: Model, number: int) -> Version:
    """A version that is known, and that nobody has read whole yet."""
    return catalogue.register_version(
        model=model,
        number=number,
        registered_at=timezone.now(),
        run=None,
        facts={"source": "models:/m-2", "status": "READY"},
        by=User.machine(),
    )


def manifest(version: Version, content: str = "a") -> Manifest:
    """The files of `version` are hashed; other `content`, other digest."""
    files = [{"path": "model.skops", "sha256": (content * 64)[:64], "size": 10}]
    return data.record_manifest(version=version, files=files, by=User.machine())


def training_data(version: Version) -> Dataset:
    """The dataset that `version` was trained on."""
    return Dataset.objects.get(snapshots__uses__run__versions=version)


def system(*, model: Model, risk_class: str = "limited") -> System:
    """An AI system with `model` in it and its risk class decided; none decided when `risk_class` is empty."""
    made = systems.register(
        name=f"System {_next()}",
        intended_purpose="Decide about something.",
        operator_role="provider",
        by=member("owner"),
    )
    made = systems.add_model(system=made, model=model, by=member("owner"))
    if risk_class:
        decide(made, risk_class)
    return made


def decide(system: System, risk_class: str) -> RiskDecision:
    """Compliance decides the risk class."""
    return risk.decide(system=system, risk_class=risk_class, rationale="Annex III.", by=member("compliance"))


def complete(kind: str, mark: str = "") -> dict[str, Any]:
    """Content that no rule blocks, whatever the risk class. Another `mark` gives other content."""
    content = blank(kind)
    for field in outline(kind).fields():
        if field.required:
            content[field.section][field.key] = {
                "lines": ["The credit team"],
                "table": [{column.key: _cell(field, column, mark) for column in field.columns}],
            }.get(field.kind, f"Something true {mark} about {field.label.lower()}".replace("  ", " "))
    if kind == "card":
        content["ethics"]["fairness"] = "The groups differ by 1.1 times at most."
    else:
        content["scope"] = dict.fromkeys(content["scope"], "no")
    return content


def _cell(field: Field, column: Column, mark: str) -> str:
    """What stands in a column: a figure within its bounds, or a word."""
    known = {"value": "0.9", "lower": "0.8", "upper": "1.0", "digest": f"{field.section} 1"}
    return known.get(column.key) or f"{column.label} {mark}".strip()


def save(
    about: Version | Dataset,
    *,
    mark: str = "",
    by: User | None = None,
    on_top_of: int | None = None,
    figure: Figure | None = None,
) -> Revision:
    """The next revision of the card or datasheet, complete; with `figure` in it if there is one."""
    kind = "card" if isinstance(about, Version) else "datasheet"
    if on_top_of is None:
        on_top_of = Revision.objects.filter(**{f"document__{about._meta.model_name}": about}).count()
    content = complete(kind, mark)
    if figure:
        content["analyses"]["figures"] = [{"digest": figure.digest, "caption": "ROC", "alt": "It rises."}]
    return documents.save(about=about, content=content, on_top_of=on_top_of, by=by or member("owner"))


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), colour: str = "navy") -> bytes:
    """A small picture, as an uploaded file would hold it."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind)
    return out.getvalue()


def figure(*, colour: str = "navy", by: User | None = None) -> Figure:
    """A picture that was uploaded."""
    return figures.attach(data=picture(colour=colour), by=by or member("owner"))


def imported(text: str = README, *, about: Version | Dataset | None = None, by: User | None = None) -> Import:
    """A README that somebody imported; it waits unless it is about something."""
    return imports.take(name="README.md", raw=text.encode(), about=about, by=by or member("owner"))


def submitted_review(version: Version | None = None, *, by: User | None = None) -> Review:
    """A complete card, with everything a clearance needs around it, waiting for a judgement."""
    about = version or globals()["version"]()
    if not about.model.systems.exists():
        system(model=about.model)
    save(training_data(about))
    save(about)
    return resubmit(about, by=by)


def resubmit(version: Version, *, by: User | None = None) -> Review:
    """Ask for a review of the card as it is now."""
    return reviews.submit(
        revision=Revision.objects.filter(document__version=version).latest("number"), by=by or member("owner")
    )


def approve(review: Review, *, by: User | None = None) -> Review:
    """Every sign-off that the rule asks for, each by a member of the role; with `by`, only theirs."""
    if by:
        return sign_off(review, by=by)
    for role in still_wanted(review):
        review = sign_off(review, by=member(role or "reviewer"))
    return review


def sign_off(
    review: Review, *, by: User, role: str = "", conditions: Sequence[reviews.Wish] = (), comment: str = ""
) -> Review:
    """One person approves with the whole checklist ticked, and signed where the rule asks for it."""
    return reviews.approve(
        review=review,
        digest=review.digest,
        comment=comment,
        role=role,
        checked=[one.key for one in review.frozen_rule.checklist],
        conditions=conditions,
        proof=proof(by) if review.frozen_rule.step_up else None,
        by=by,
    )


def with_password(user: User) -> User:
    """The account with `PASSWORD`."""
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    return user


def proof(by: User) -> signing.Proof:
    """They have proved who they are."""
    return signing.prove(by=with_password(by), password=PASSWORD)


def wish(
    owner: User | None = None, *, text: str = "Measure the groups again.", seconds: float = 86_400
) -> reviews.Wish:
    """A condition that falls due in so many seconds."""
    return reviews.Wish(text, owner or member("owner"), timezone.now() + timedelta(seconds=seconds))


def approved_version(version: Version | None = None) -> Version:
    """A version whose card other people approved: cleared in every environment."""
    review = approve(submitted_review(version))
    return Version.objects.select_related("model", "card__head").get(card=review.document)


def rules(*subjects: str, effect: str = "allow") -> dict[str, Any]:
    """The content of a policy with one rule."""
    rule = {"effect": effect, "subjects": list(subjects) or ["group:owner"], "actions": ["predict"]}
    return {"schema": "cardinal/policy/2", "rules": [rule]}


def policy(
    model: Model, *subjects: str, environment: str = "production", on_top_of: int = 0
) -> PolicyVersion:
    """A published policy that lets `subjects` predict."""
    return policies.publish(
        model=model,
        environment=environment,
        content=rules(*subjects),
        on_top_of=on_top_of,
        by=member("owner"),
    )


def token(
    *models: Model,
    owner: User | None = None,
    environment: str = "production",
    days: int = 30,
    by: User | None = None,
    **limits: Any,
) -> tuple[Token, Secret]:
    """A token for `models` and the secret that is shown once."""
    return token_verbs.issue(
        name="nightly scoring",
        owner=owner or member("owner"),
        models=models,
        scope=Scope(**{"actions": ("predict",)} | limits),
        environment=environment,
        expires_at=timezone.now() + timedelta(days=days),
        by=by or member("owner"),
    )


def anomaly(of: Model | Token, *, network: str = "198.51.100.0/24") -> Anomaly:
    """Something unusual about a model or a token, as whoever looks through decisions writes it down."""
    now = timezone.now()
    about = (
        {"token": of, "kind": Anomaly.Kind.NEW_NETWORK, "network": network}
        if isinstance(of, Token)
        else {"model": of, "kind": Anomaly.Kind.DENIALS}
    )
    return Anomaly.objects.create(count=100, first_at=now, last_at=now, **about)
