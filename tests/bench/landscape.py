"""Ten thousand models as a large house has them: described, tagged, aliased, a third with cards of real length, cleared
or not, in two thousand systems with risk classes; shared in full, in part, and hardly at all.

Made once, past the verbs: the pages only read them.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm

from governance.models import Clearance, RiskDecision
from registry import canonical
from registry.documents.outline import outline
from registry.models import (
    Alias,
    Dataset,
    DatasetSnapshot,
    Document,
    Model,
    Revision,
    Run,
    RunInput,
    System,
    TrackingServer,
    User,
    Version,
)
from tests import factories

MODELS, VERSIONS, SYSTEMS, DATASETS, CARD_EVERY = 10_000, 3, 2_000, 800, 3
SHARED = {"many": 2_000, "few": 3}
TOPICS = [
    "credit",
    "churn",
    "fraud",
    "tumour",
    "claims",
    "demand",
    "price",
    "delay",
    "energy",
    "stock",
    "route",
    "text",
    "image",
    "voice",
    "risk",
    "loan",
]
WORKS = [
    "scorer",
    "ranker",
    "classifier",
    "detector",
    "forecaster",
    "reader",
    "matcher",
    "planner",
    "filter",
    "router",
]
TEAMS = ["credit", "marketing", "logistics", "radiology", "insurance", "operations", "platform", "research"]
FLAVOURS = ["sklearn", "xgboost", "lightgbm", "pytorch", "tensorflow", "onnx", "spacy", "transformers"]
COMMON = [
    "The",
    "model",
    "estimates",
    "probability",
    "calibrated",
    "applicants",
    "threshold",
    "validation",
    "holdout",
    "quarterly",
    "monitored",
    "drift",
    "population",
    "subgroup",
    "fairness",
    "interval",
    "error",
    "recall",
    "precision",
    "analyst",
    "decision",
    "override",
    "human",
    "oversight",
    "recorded",
    "training",
    "sampled",
    "region",
    "branch",
    "income",
    "missing",
    "values",
    "imputed",
    "median",
    "retrained",
    "reviewed",
    "limits",
    "intended",
    "out-of-scope",
    "customers",
    "minors",
    "excluded",
    "because",
    "evidence",
    "insufficient",
    "documented",
    "annually",
    "security",
    "access",
]
# As in any text, few words are everywhere and most are rare (Zipf): three thousand more, the n-th a tenth of n as likely.
RARE = [
    f"{a}{b}{c}"
    for a in (
        "con",
        "pre",
        "sub",
        "trans",
        "inter",
        "re",
        "dis",
        "mono",
        "poly",
        "auto",
        "micro",
        "meta",
        "para",
        "ultra",
        "hypo",
    )
    for b in (
        "duct",
        "form",
        "gress",
        "ject",
        "late",
        "mit",
        "port",
        "press",
        "scrib",
        "sist",
        "spect",
        "struct",
        "tain",
        "tend",
        "vert",
        "voc",
        "solv",
        "quir",
        "pos",
        "plic",
    )
    for c in ("", "ion", "ive", "or", "able", "ance", "ed", "ing", "ment", "al")
]
WORDS = COMMON + RARE
WEIGHTS = [1 / (10 + place) for place in range(len(WORDS))]


def prose(draw: random.Random, length: int) -> str:
    """Text of about `length` words."""
    return " ".join(draw.choices(WORDS, WEIGHTS, k=length)) + "."


def fill() -> Model:
    """The landscape, made at most once; one of its models, with a card."""
    server = TrackingServer.objects.filter(name="bench").first()
    if server is None:
        draw = random.Random(20_261_124)  # noqa: S311 - the same landscape every time
        server = TrackingServer.objects.create(name="bench", uri="http://127.0.0.1:9/bench")
        models = _models(draw, server)
        _versions(draw, server, models)
        _systems(draw, models)
        _cards(draw, models)
        for name, count in SHARED.items():
            for model in draw.sample(models, count):
                assign_perm("registry.view_model", factories.member("owner", name), model)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return Model.objects.get(slug="bench-04320")


def _models(draw: random.Random, server: TrackingServer) -> list[Model]:
    now = timezone.now()
    return Model.objects.bulk_create(
        (
            Model(
                server=server,
                name=f"{draw.choice(TOPICS)}-{draw.choice(WORKS)}-{n:05}",
                slug=f"bench-{n:05}",
                description=prose(draw, 25),
                tags={"team": draw.choice(TEAMS), "stage": draw.choice(["trial", "live"])},
                created_at=now - timedelta(days=draw.randint(100, 900)),
            )
            for n in range(MODELS)
        ),
        batch_size=2000,
    )


def _versions(draw: random.Random, server: TrackingServer, models: list[Model]) -> None:
    datasets = Dataset.objects.bulk_create(
        Dataset(name=f"{draw.choice(TOPICS)} data {n:03}", slug=f"bench-data-{n:03}") for n in range(DATASETS)
    )
    snapshots = DatasetSnapshot.objects.bulk_create(
        DatasetSnapshot(dataset=one, weak_digest="5f1b7c2e", profile={"num_rows": 40_000}) for one in datasets
    )
    runs = Run.objects.bulk_create(
        (
            Run(server=server, run_id=f"{n:032x}", user_name=f"engineer{n % 90}", metrics={"auc": 0.9})
            for n in range(MODELS * VERSIONS)
        ),
        batch_size=5000,
    )
    inputs = (RunInput(run=run, snapshot=draw.choice(snapshots), context="training") for run in runs)
    RunInput.objects.bulk_create(inputs, batch_size=5000)
    now = timezone.now()
    made = Version.objects.bulk_create(
        (
            Version(
                model=model,
                number=number,
                status="READY",
                run=runs[place * VERSIONS + number - 1],
                model_file={"flavors": {draw.choice(FLAVOURS): {}, "python_function": {}}},
                registered_at=now - timedelta(days=draw.randint(0, 100)),
            )
            for place, model in enumerate(models)
            for number in range(1, VERSIONS + 1)
        ),
        batch_size=5000,
    )
    aliases = (Alias(model=one.model, name="champion", version=one) for one in made[VERSIONS - 1 :: VERSIONS])
    Alias.objects.bulk_create(aliases, batch_size=5000)


def _systems(draw: random.Random, models: list[Model]) -> None:
    owner = factories.member("owner")
    systems = System.objects.bulk_create(
        System(
            slug=f"bench-system-{n}",
            name=f"{draw.choice(TOPICS)} desk {n}",
            intended_purpose=prose(draw, 30),
            operator_role=draw.choice(System.OperatorRole.values),
            created_by=owner,
        )
        for n in range(SYSTEMS)
    )
    used = System.models.through
    used.objects.bulk_create(
        (used(system=draw.choice(systems), model=model) for model in models if draw.random() < 0.8),
        batch_size=5000,
    )
    RiskDecision.objects.bulk_create(
        RiskDecision(
            system=system,
            risk_class=draw.choice(["high", "limited", "minimal"]),
            rationale="Annex III.",
            by=owner,
        )
        for system in systems
        if draw.random() < 0.9
    )


def _cards(draw: random.Random, models: list[Model]) -> None:
    """Cards of the latest versions of every third model, and a clearance for every version."""
    owner, plan = factories.member("owner"), outline("card")
    latest = Version.objects.filter(model__in=models[::CARD_EVERY], number=VERSIONS)
    documents = Document.objects.bulk_create(Document(kind="card", version=version) for version in latest)
    revisions = []
    for document in documents:
        content: dict[str, Any] = {"schema": plan.schema}
        for field in plan.fields():
            if field.kind == "prose":
                content.setdefault(field.section, {})[field.key] = prose(draw, 40)
        body = canonical.canonical(content)
        revisions.append(
            Revision(document=document, number=1, body=body, digest=canonical.digest(body), by=owner)
        )
    for document, revision in zip(
        documents, Revision.objects.bulk_create(revisions, batch_size=500), strict=True
    ):
        document.head = revision
    Document.objects.bulk_update(documents, ["head"], batch_size=500)
    carded = {document.version_id for document in documents}
    with (
        connection.cursor() as cursor
    ):  # the approvals that these clearances would rest on are of no interest here
        cursor.execute("ALTER TABLE governance_clearance DISABLE TRIGGER clearance_rests")
        Clearance.objects.bulk_create(_clearances(draw, carded), batch_size=5000)
        cursor.execute("ALTER TABLE governance_clearance ENABLE ALWAYS TRIGGER clearance_rests")


def _clearances(draw: random.Random, carded: set[int | None]) -> Any:
    codes = ("risk", "artifact", "datasheets", "card", "suspension")
    for pk in Version.objects.values_list("pk", flat=True).order_by("pk"):
        allowed = pk in carded and draw.random() < 0.5
        unmet = set() if allowed else {draw.choice(codes), "card" if pk not in carded else draw.choice(codes)}
        conditions = [
            {
                "code": code,
                "label": f"The condition of {code}",
                "met": code not in unmet,
                "reason": f"{code}_missing" if code in unmet else "",
                "why": f"The {code} is missing." if code in unmet else "",
                "remedy": "Write it." if code in unmet else "",
            }
            for code in codes
        ]
        for environment in ("production", "staging"):
            yield Clearance(
                version_id=pk,
                environment=environment,
                allowed=allowed,
                conditions=conditions,
                assessed_at=timezone.now(),
            )


def people() -> dict[str, User]:
    """Who looks: an auditor sees everything, "many" 2 000 models, "few" three."""
    return {"auditor": factories.member("auditor")} | {
        name: factories.member("owner", name) for name in SHARED
    }
