"""What hangs on a team: what it answers for, what its members see by it, and the policies that name it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from governance.models import Policy
from governance.policies import compiled, sentences
from registry.models import Model, ModelGroupObjectPermission, System, Team, User
from registry.models.search import SearchRow
from registry.models.visibility import VIEW_MODEL

SHOWN = 50


@dataclass(frozen=True)
class Shown:
    """The first of some objects, and how many there are."""

    rows: Sequence[Any]
    count: int

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.count - len(self.rows)


@dataclass(frozen=True)
class Mention:
    """A policy in force with a rule that names the team, and these rules as sentences."""

    policy: Policy
    said: tuple[str, ...]


@dataclass(frozen=True)
class Holdings:
    """What hangs on a team, as far as one person sees it."""

    systems: Shown
    models: Shown
    shared: Shown
    policies: list[Mention]


def holdings(team: Team, user: User) -> Holdings:
    """What `user` sees of what hangs on `team`. Seven queries, whatever there is.

    A team answers for a system whose field Team begins with its name or handle, and for a model whose tag `team` is one
    of them: who answers is said there, and nowhere twice.
    """
    names = {team.name, team.handle}
    owned = Q()
    for name in names:
        owned |= Q(team__iexact=name) | Q(team__istartswith=f"{name},")
    systems = System.objects.visible_to(user).filter(owned, retired_at=None).order_by("name", "pk")
    visible = Model.objects.visible_to(user).order_by("name", "pk")
    tagged = SearchRow.objects.filter(kind=SearchRow.Kind.MODEL, teams__overlap=sorted(names))
    seeing = ModelGroupObjectPermission.objects.filter(
        group=team.group_id, permission__codename=VIEW_MODEL, permission__content_type__app_label="registry"
    )
    return Holdings(
        systems=_shown(systems),
        models=_shown(visible.filter(pk__in=tagged.values("model"))),
        shared=_shown(visible.filter(pk__in=seeing.values("content_object"))),
        policies=_mentions(team, user),
    )


def _shown(rows: QuerySet[Model] | QuerySet[System]) -> Shown:
    return Shown(list(rows[:SHOWN]), rows.count())


def _mentions(team: Team, user: User) -> list[Mention]:
    """Policies in force that name the team. The database finds the text, the rules themselves say whether it is a subject."""
    subject = f"group:{team.handle}"
    written = json.dumps(subject, ensure_ascii=False)  # as canonical JSON has it
    holds = RawSQL("position(convert_to(%s, 'UTF8') in governance_policyversion.body) > 0", (written,))
    rows = Policy.objects.visible_to(user).exclude(in_force=None).select_related("model", "in_force")
    found = []
    for policy in rows.annotate(holds=holds).filter(holds=True).order_by("model__name", "environment", "pk"):
        content = policy.in_force.content if policy.in_force else {}
        pairs = zip(compiled(content).rules, sentences(content), strict=True)
        said = tuple(sentence for rule, sentence in pairs if subject in rule.subjects)
        if said:
            found.append(Mention(policy, said))
    return found
