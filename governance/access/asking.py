"""Who may ask what: about oneself always, about others with the permission to see tokens; only of models that one sees."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone

from governance.access import reach
from governance.access.why import Question
from governance.models import Token
from registry.models import Model, User

PERMISSION = "governance.view_token"


def account_of(user: User, username: str) -> User:
    """The account that `user` may ask about: one's own always, others with the permission for it."""
    if username == user.username:
        return user
    if not user.has_perm(PERMISSION):
        raise Http404
    return get_object_or_404(User.objects.all(), username=username)


def token_reach(user: User, one: Token) -> list[reach.What]:
    """What the token reaches of what its owner does, as far as `user` sees the models."""
    if one.state != "active":
        return []
    found = reach.what(one.owner, Model.objects.visible_to(user).filter(pk__in=one.models.values("pk")))
    kept = []
    for row in found:
        actions = {action: extent for action, extent in row.actions.items() if action in one.actions}
        if row.environment == one.environment and actions:
            kept.append(
                reach.What(
                    row.model, row.slug, row.environment, actions, row.by, row.unless, frozenset(actions)
                )
            )
    return kept


def question(user: User, given: dict[str, Any]) -> tuple[Question | None, dict[str, str]]:
    """The question that was asked, if all it names exists for `user`; else what does not, by field."""
    errors: dict[str, str] = {}
    one = Model.objects.visible_to(user).filter(slug=given["model"]).first()
    if one is None:
        errors["model"] = "There is no such model, or it is not shared with you."
    held, caller = None, None
    if given.get("token"):
        held = Token.objects.visible_to(user).select_related("owner").filter(pk=given["token"]).first()
        caller = held.owner if held else None
        if held is None:
            errors["token"] = "There is no such token, or it is not yours."  # noqa: S105 - a sentence
        elif given.get("caller") and given["caller"] != held.owner.username:
            errors["caller"] = f"The token belongs to {held.owner}; leave this empty, or name its owner."
    else:
        try:
            caller = account_of(user, given["caller"])
        except Http404:
            errors["caller"] = "There is no such account, or you may only ask about yourself."
    if one is None or caller is None or errors:
        return None, errors
    named = given.get("version") or ""
    number = int(named) if named.isascii() and named.isdigit() and len(named) < 10 else None
    asked = Question(
        caller=caller,
        model=one,
        environment=held.environment if held else given["environment"],
        action=given["action"],
        at=given.get("at") or timezone.now(),
        token=held,
        version=number,
        alias="" if number else named,
        network=given.get("network") or "",
        purpose=given.get("purpose") or "",
        payload_bytes=given.get("payload_bytes"),
    )
    return asked, {}
