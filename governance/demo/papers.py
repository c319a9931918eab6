"""What people write and decide in the demo: systems with their risk class, datasheets, cards and their reviews.

The texts lie in cards/ and datasheets/. A number in them is a placeholder, filled with what the run measured, and
the picture is drawn from the same numbers; none is typed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils import timezone

from governance import signing
from governance.actions import reviews, risk, threads
from governance.demo import drawing
from governance.demo.accounts import password
from governance.embedded import var_dir
from governance.models import Review, RiskDecision
from governance.permissions import still_wanted
from registry import prefill
from registry.actions import documents
from registry.actions import figures as pictures
from registry.actions import systems as verbs
from registry.documents import content as contents
from registry.documents.outline import outline
from registry.documents.proposals import accept
from registry.models import Dataset, DatasetSnapshot, Model, Revision, RunInput, System, User, Version

HERE = Path(__file__).parent
BANDS = {
    "age_18_25": "18 to 25",
    "age_26_40": "26 to 40",
    "age_41_60": "41 to 60",
    "age_61_plus": "61 and older",
}
WRONGLY_REFUSED, WRONGLY_ACCEPTED = "false_positive_rate", "false_negative_rate"
Account = Mapping[str, User]


def systems(people: Account) -> None:
    """Three AI systems with their models; compliance decides the class of each and says why."""
    for given in yaml.safe_load((HERE / "systems.yaml").read_text()):
        system = System.objects.filter(name=given["name"]).first() or verbs.register(
            name=given["name"],
            intended_purpose=given["intended_purpose"],
            operator_role=given["operator_role"],
            by=people["owner"],
        )
        verbs.add_model(system=system, model=Model.objects.get(name=given["model"]), by=people["owner"])
        if not RiskDecision.objects.filter(system=system).exists():
            risk.decide(
                system=system,
                risk_class=given["risk_class"],
                rationale=given["rationale"],
                by=people["compliance"],
            )


def datasheets(people: Account) -> None:
    """A datasheet for each set of training data of the governed models."""
    for path in sorted((HERE / "datasheets").glob("*.yaml")):
        given = yaml.safe_load(path.read_text())
        dataset = Dataset.objects.get(name=given["dataset"])
        if hasattr(dataset, "datasheet") and dataset.datasheet.head:
            continue
        snapshot = DatasetSnapshot.objects.filter(dataset=dataset).order_by("-pk").first()
        content = contents.blank("datasheet")
        _write(content, "datasheet", given["fields"], {"rows": snapshot.row_count if snapshot else 0})
        with transaction.atomic():  # a seed that was killed finds both or neither
            saved = documents.save(
                about=dataset, content=content, on_top_of=0, note=given["note"], by=people["owner"]
            )
            _talk(saved, given, people)


def cards(people: Account) -> None:
    """A card for each governed version, revision by revision, each with the review that it asks for."""
    for path in sorted((HERE / "cards").glob("*.yaml")):
        given = yaml.safe_load(path.read_text())
        version = Version.objects.get(model__name=given["model"], number=given["number"])
        known = figures(version)
        for number, draft in enumerate(given["revisions"], 1):
            if Revision.objects.filter(document__version=version, number=number).exists():
                continue
            with transaction.atomic():  # a seed that was killed goes on where it stopped
                revision = _saved(version, number, draft, known, people["owner"])
                _talk(revision, draft, people)
                _review(revision, draft, people)


def figures(version: Version) -> dict[str, Any]:
    """What the run measured, by name, and what follows from it."""
    assert version.run is not None  # noqa: S101 - the demo registers no version without its run
    known: dict[str, Any] = dict(version.run.metrics)
    known |= {name: _number(value) for name, value in version.run.params.items()}
    for one in version.run.inputs.select_related("snapshot"):
        known[f"{one.context}_rows"] = one.snapshot.row_count
    if f"{WRONGLY_REFUSED}__age_18_25" in known:
        known |= _uneven(known)
    recalls = {name[-1]: value for name, value in version.run.metrics.items() if name.startswith("recall__")}
    if recalls:
        known["weakest_digit"] = min(recalls, key=lambda digit: recalls[digit])
        known["weakest_recall"] = min(recalls.values())
    return known


def _uneven(known: Mapping[str, float]) -> dict[str, Any]:
    """The error rates of the age bands, and how many times the highest is the lowest."""
    head = (
        "| Age | Refused, though repaid | Accepted, though defaulted | Refused in all |\n|---|---|---|---|\n"
    )
    columns = (WRONGLY_REFUSED, WRONGLY_ACCEPTED, "selection_rate")
    rows = [
        " | ".join(["", words, *(f"{known[f'{column}__{band}']:.1%}" for column in columns), ""]).strip()
        for band, words in BANDS.items()
    ]
    in_words = [
        f"{words}: {known[f'{WRONGLY_REFUSED}__{band}']:.1%} and {known[f'{WRONGLY_ACCEPTED}__{band}']:.1%}"
        for band, words in BANDS.items()
    ]
    found: dict[str, Any] = {"age_table": head + "\n".join(rows), "age_words": "; ".join(in_words)}
    for rate in (WRONGLY_REFUSED, WRONGLY_ACCEPTED):
        values = {words: known[f"{rate}__{band}"] for band, words in BANDS.items()}
        worst, best = max(values, key=lambda w: values[w]), min(values, key=lambda w: values[w])
        found |= {f"{rate}_worst": worst, f"{rate}_highest": values[worst]}
        found |= {f"{rate}_best": best, f"{rate}_lowest": values[best]}
        found[f"{rate}_ratio"] = f"{values[worst] / values[best]:.1f} times" if values[best] else "many times"
    return found


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _saved(
    version: Version, number: int, draft: Mapping[str, Any], known: Mapping[str, Any], by: User
) -> Revision:
    """The next revision: what the tracking server proposes, or the revision before, and what people wrote."""
    version = Version.objects.select_related("card__head", "run").get(pk=version.pk)
    before = version.card.head if number > 1 else None
    content = before.content if before else _measured(prefill.card(version)[0], version)
    _write(content, "card", draft["fields"], known)
    if "figure" in draft:
        content["analyses"]["figures"] = [_figure(draft["figure"], known, by)]
    content = accept(content, content.get("unaccepted", {}))  # the owner has read what was proposed
    saved = documents.save(about=version, content=content, on_top_of=number - 1, note=draft["note"], by=by)
    return Revision.objects.select_related("document__version").get(pk=saved.pk)


def _figure(said: Mapping[str, str], known: Mapping[str, Any], by: User) -> dict[str, str]:
    """The error rates as a picture, with its caption and what it shows in words."""
    kept = pictures.attach(data=drawing.error_rates(known, BANDS), by=by)
    return {"digest": kept.digest} | {part: text.format_map(known).strip() for part, text in said.items()}


def _measured(content: dict[str, Any], version: Version) -> dict[str, Any]:
    """The tables of figures, from the run: everything measured, and by group what was measured by group."""
    assert version.run is not None  # noqa: S101 - the demo registers no version without its run
    used = version.run.inputs.filter(context=RunInput.Context.EVALUATION).select_related("snapshot__dataset")
    where = ", ".join(one.snapshot.dataset.name for one in used)
    rows = [
        (*name.partition("__")[::2], f"{value:.4f}") for name, value in sorted(version.run.metrics.items())
    ]
    if not content["metrics"]["results"]:
        content["metrics"]["results"] = [
            {"metric": name, "value": value, "dataset": where, "slice": part} for name, part, value in rows
        ]
    content["analyses"]["unitary"] = [
        {"metric": name, "value": value, "group": BANDS.get(part, part.replace("_", " ")), "dataset": where}
        for name, part, value in rows
        if part
    ]
    return content


def _write(content: dict[str, Any], kind: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    for path, text in fields.items():
        field = outline(kind).field(path)
        if field is None:
            raise KeyError(f"A {kind} has no field {path}.")
        filled = (
            [line.format_map(known) for line in text]
            if isinstance(text, list)
            else _prose(text.format_map(known))
        )
        content[field.section][field.key] = filled


def _prose(text: str) -> str:
    """The text as somebody types it: a line of the file ends where the file is full, a paragraph where it says so."""
    return "\n\n".join(
        part if "\n|" in part or "\n-" in part or "\n#" in part else part.replace("\n", " ")
        for part in text.split("\n\n")
    )


def _talk(revision: Revision, draft: Mapping[str, Any], people: Account) -> None:
    """What people say to each other about fields of the revision."""
    for one in draft.get("threads", ()):
        first, *answers = one["said"]
        thread = threads.begin(
            revision=revision, path=one["path"], text=first["text"], by=people[first["by"]]
        )
        for answer in answers:
            threads.reply(thread=thread, text=answer["text"], by=people[answer["by"]])
        if "resolved" in one:
            threads.resolve(thread=thread, by=people[one["resolved"]])


def _review(revision: Revision, draft: Mapping[str, Any], people: Account) -> None:
    """Submit the revision if its author does, and judge it if the reviewer does."""
    if "submit" not in draft:
        return
    review = reviews.submit(revision=revision, by=people["owner"])
    if "approve" in draft:
        for role in still_wanted(review):
            _sign_off(review, draft, people, role or "reviewer")
    elif "send_back" in draft:
        judge = people["reviewer"]
        reviews.request_changes(
            review=review,
            digest=review.digest,
            comment=draft["send_back"],
            proof=_proof(review, judge),
            by=judge,
        )


def _sign_off(review: Review, draft: Mapping[str, Any], people: Account, role: str) -> None:
    """One judge approves, with every point ticked; a reviewer on the conditions that the draft names."""
    judge = people[role]
    wishes = [
        reviews.Wish(one["text"], people[one["owner"]], timezone.now() + timedelta(days=one["days"]))
        for one in draft.get("conditions", ())
        if role == "reviewer"
    ]
    reviews.approve(
        review=review,
        digest=review.digest,
        comment=draft["approve"] if role == "reviewer" else "",
        role=role,
        checked=[one.key for one in review.frozen_rule.checklist],
        conditions=wishes,
        proof=_proof(review, judge),
        by=judge,
    )


def _proof(review: Review, judge: User) -> signing.Proof | None:
    """The demo knows the password of its accounts, and signs where the rule asks for that."""
    if not review.frozen_rule.step_up:
        return None
    return signing.prove(by=judge, password=password(var_dir() / "demo"), subject=review)


def waiting() -> list[str]:
    """The versions whose card waits for a review."""
    rows = Review.objects.open().with_subject().order_by("submitted_at")
    return [str(review.document.version) for review in rows if review.document.version]
