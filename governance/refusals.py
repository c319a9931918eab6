"""A refusal must survive: it is kept in a transaction of its own, after the attempt was rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from registry.errors import Refused
from registry.events import ActionRefused, publish

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from registry.models import User


@transaction.atomic
def keep(refused: Refused, *, by: User | AnonymousUser) -> None:
    """Write the refusal to the trail."""
    if not by.is_authenticated:
        return
    publish(
        ActionRefused(
            by=by,
            action=refused.action,
            subject=str(refused.subject or ""),
            codes=", ".join(reason.code for reason in refused.verdict.reasons),
            sentence=str(refused),
            target=refused.subject,
        )
    )
