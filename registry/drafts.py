"""Drafts of documents: kept every few seconds while somebody types, given back when they return.

A draft is no revision and no event: nobody but its author sees it, and it decides nothing.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from registry.errors import Invalid
from registry.models import Dataset, Draft, User, Version
from registry.models.drafts import LONGEST_DRAFT


@transaction.atomic
def keep(*, about: Version | Dataset, typed: str, by: User) -> Draft:
    """Keep `typed` (a form, URL-encoded) in place of what was kept before. `Invalid` when it is longer than a document."""
    if len(typed) > LONGEST_DRAFT:
        raise Invalid(
            fields={"draft": [f"A draft has at most {LONGEST_DRAFT} characters; this one is not kept."]}
        )
    draft, _ = Draft.objects.update_or_create(by=by, **_subject(about), defaults={"typed": typed})
    return draft


def find(*, about: Version | Dataset, by: User) -> Draft | None:
    """What this person has typed about it and not saved."""
    return Draft.objects.filter(by=by, **_subject(about)).first()


def discard(*, about: Version | Dataset, by: User) -> None:
    """Forget it: it was saved, or is not wanted."""
    Draft.objects.filter(by=by, **_subject(about)).delete()


def _subject(about: Version | Dataset) -> dict[str, Any]:
    return {"version": about} if isinstance(about, Version) else {"dataset": about}
