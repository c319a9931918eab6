"""Who is told of what is unusual at the gate."""

from __future__ import annotations

from typing import Any

from governance.audience.access import answering_for
from governance.audience.base import Subject, Told, cause, distinct, holders


def seen(event: Any) -> list[Told]:
    """Of a token: who answers for it, and who revokes those of others. Of a model: who may stop the queries to it and sees it."""
    one = event.anomaly
    if one.token:
        people = distinct(*answering_for(one.token), *holders("governance.revoke_token"))
        subject: Subject = one.token
    else:
        people, subject = holders("governance.stop_model"), one.model.versions.order_by("-number").first()
        if subject is None:
            return []
    return [Told("anomaly.seen", people, f"{event.what}.", one.get_absolute_url(), cause(one), subject)]
