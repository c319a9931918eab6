"""Base models: what a version says it was made from, and which versions of this registry are meant.

A run says so in its parameter or tag `base_model` and by the logged models among its inputs, a version in its tag of that name, a card in its table of base
models. A version of this registry is meant by `models:/name/3`, `name/3`, `name v3`, or `models:/m-…`, on the same
tracking server. An alias (`models:/name@champion`) may have moved since, so it stays a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, Q, TextField
from django.db.models.fields.json import KT

from registry.documents.content import value
from registry.models import Document, Revision, Run, User, Version

KEY = "base_model"
MOST, LONGEST = 20, 400
LEVELS = 5  # generations of base models, or of what was derived, that are followed
MOST_VERSIONS = 100
NUMBERED = re.compile(r"(?:models:/)?([^/@]{1,256}?)(?:/| v)([1-9]\d{0,8})")
LOGGED = re.compile(r"(?:models:/)?(m-[\w-]{1,76})")


@dataclass(frozen=True)
class Base:
    """A base model in the words of whoever named it."""

    name: str
    relation: str  # fine-tuned, distilled …; empty when nobody said
    said_by: str


@dataclass(frozen=True)
class Link:
    """`child` was derived from `parent`; both are primary keys of versions."""

    child: int
    parent: int


class Said(Func):
    """The names and links in the table of base models of a card, read by the database from the stored bytes."""

    function = "cardinal_card_bases"
    output_field = ArrayField(TextField())


def named(version: Version) -> list[Base]:
    """The base models that run, version and card name, each name once."""
    found = []
    if version.run:
        found += [(version.run.params.get(KEY), "", "the run"), (version.run.tags.get(KEY), "", "the run")]
        used = [one for one in version.run.model_inputs if one != version.logged_model_id]
        found += [(f"models:/{one}", "", "the run's model inputs") for one in used]
    found.append((version.tags.get(KEY), "", "the version"))
    head = version.card.head if hasattr(version, "card") else None
    rows = (value(head.content, "model_details.base_models") or []) if head else []
    found += [(row.get("name") or row.get("link"), row.get("relation", ""), "the card") for row in rows]
    bases: dict[str, Base] = {}
    for name, relation, said_by in found:
        text = " ".join(str(name or "").split())[:LONGEST]
        if text:
            bases.setdefault(text, Base(text, str(relation)[:100], said_by))
    return list(bases.values())[:MOST]


def keys(version: Version) -> list[str]:
    """The names by which others mean this version."""
    name = version.model.name
    found = [f"models:/{name}/{version.number}", f"{name}/{version.number}", f"{name} v{version.number}"]
    logged = version.logged_model_id
    return [*found, f"models:/{logged}", logged] if logged else found


def whole(versions: Any) -> Any:
    """Versions with what `named` reads, in one query."""
    return versions.select_related("model__server", "run__server", "card__head")


def ancestors(start: Iterable[Version], user: User) -> tuple[list[Version], list[Link]]:
    """The visible versions that `start` were derived from, at most LEVELS generations back, and how they hang together."""
    known = {version.pk: version for version in start}
    level, found, links = list(known.values()), [], set()
    for _ in range(LEVELS):
        meant = _meant(level)
        if not meant:
            break
        condition = Q()
        for server, one in meant:
            for meant_one in meaning(one):
                condition |= meant_one & Q(model__server=server)
        parents = list(
            whole(Version.objects.visible_to(user).filter(condition)).order_by("pk")[:MOST_VERSIONS]
        )
        named_by = {(p.model.server_id, key): p.pk for p in parents for key in keys(p)}
        for child in level:
            for base in named(child):
                parent = named_by.get((child.model.server_id, base.name))
                if parent and parent != child.pk:
                    links.add(Link(child.pk, parent))
        level = [parent for parent in parents if parent.pk not in known]
        known |= {version.pk: version for version in level}
        found += level
    return found[:MOST_VERSIONS], sorted(links, key=lambda link: (link.child, link.parent))


def descendants(start: Iterable[Version], user: User) -> tuple[list[Version], list[Link]]:
    """The visible versions that were derived from `start`, at most LEVELS generations on."""
    known = {version.pk: version for version in start}
    level, found, links = list(known.values()), [], set()
    for _ in range(LEVELS):
        if not level:
            break
        parents = {(one.model.server_id, key): one.pk for one in level for key in keys(one)}
        rows = whole(Version.objects.visible_to(user).filter(saying({key for _, key in parents})))
        children = [
            (child, parent)
            for child in rows.order_by("model__name", "number", "pk")[:MOST_VERSIONS]
            for base in named(child)
            if (parent := parents.get((child.model.server_id, base.name))) and parent != child.pk
        ]
        links |= {Link(child.pk, parent) for child, parent in children}
        level = list({child.pk: child for child, _ in children if child.pk not in known}.values())
        known |= {version.pk: version for version in level}
        found += level
    return found[:MOST_VERSIONS], sorted(links, key=lambda link: (link.child, link.parent))


def saying(names: Iterable[str]) -> Q:
    """A condition for versions whose run, tags or card name one of `names` as a base model. Each part has an index."""
    wanted = sorted(set(names))
    heads = Revision.objects.alias(said=Said("body")).filter(said__overlap=wanted)
    cards = Document.objects.filter(kind=Document.Kind.CARD, head__in=heads)
    runs = _runs_saying(wanted)
    own = Version.objects.alias(own=KT(f"tags__{KEY}")).filter(own__in=wanted)
    return Q(run__in=runs) | Q(pk__in=own.values("pk")) | Q(pk__in=cards.values("version"))


def _runs_saying(wanted: list[str]) -> Any:
    rows = Run.objects.alias(param=KT(f"params__{KEY}"), tag=KT(f"tags__{KEY}"))
    used = Q(model_inputs__has_any_keys=wanted)
    return rows.filter(Q(param__in=wanted) | Q(tag__in=wanted) | used).values("pk")


def _meant(level: list[Version]) -> list[tuple[int, str]]:
    """(server, name) of each base model that could be a version of this registry."""
    return sorted(
        {
            (version.model.server_id, base.name)
            for version in level
            for base in named(version)
            if meaning(base.name)
        }
    )[: MOST * 5]


def meaning(name: str) -> list[Q]:
    """Conditions for the versions that this name means; none when it names no version of a registry."""
    if logged := LOGGED.fullmatch(name):
        return [Q(logged_model_id=logged[1])]
    numbered = NUMBERED.fullmatch(name)
    return [Q(model__name=numbered[1], number=int(numbered[2]))] if numbered else []
