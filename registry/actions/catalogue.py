"""Models, versions and aliases, as a tracking server tells them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from celery import current_app
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from guardian.shortcuts import assign_perm, remove_perm

from registry.errors import Conflict, Invalid, Missing
from registry.events import (
    AliasMoved,
    AliasOrdered,
    AliasOrderFailed,
    AliasRemoved,
    EndpointRemoved,
    EndpointSet,
    ModelRegistered,
    ModelShared,
    ModelUnshared,
    VersionRegistered,
    publish,
)
from registry.models import (
    Alias,
    AliasOrder,
    Endpoint,
    Environment,
    LedgerRow,
    Model,
    ModelGroupObjectPermission,
    ModelUserObjectPermission,
    Run,
    Team,
    TrackingServer,
    User,
    Version,
)
from registry.models.visibility import VIEW_MODEL
from registry.permissions import require

ALIAS = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)
RECONCILE, HERE = "reconcile", "here"  # values of LedgerRow.SeenBy


@transaction.atomic
def register_model(
    *,
    server: TrackingServer,
    name: str,
    description: str,
    tags: dict[str, Any],
    created_at: datetime,
    by: User,
) -> Model:
    """Take a model into the registry. Nobody but those who see everything sees it until it is shared."""
    require(by, "registry.sync_trackingserver")
    model = Model.objects.create(
        server=server,
        name=name,
        slug=_free_slug(Model, name),
        description=description,
        tags=tags,
        created_at=created_at,
    )
    publish(ModelRegistered(model=model, by=by))
    return model


@transaction.atomic
def register_version(
    *, model: Model, number: int, registered_at: datetime, run: Run | None, facts: dict[str, Any], by: User
) -> Version:
    """Take a version into the registry. `facts`: source, logged_model_id, status, description, tags, model_file."""
    require(by, "registry.sync_trackingserver")
    version = Version.objects.create(
        model=model, number=number, registered_at=registered_at, run=run, **facts
    )
    publish(VersionRegistered(version=version, source=version.source, by=by))
    return version


@transaction.atomic
def move_aliases(*, model: Model, aliases: dict[str, int], by: User, seen_by: str = RECONCILE) -> list[str]:
    """Make the aliases of `model` equal to `aliases` (name → version number); returns the names that moved.

    A move that somebody ordered here is theirs; every other one was made outside.
    """
    require(by, "registry.sync_trackingserver")
    held = {alias.name: alias for alias in model.aliases.select_related("version")}
    versions = {version.number: version for version in model.versions.all()}
    moved = []
    for name in sorted(set(aliases) | set(held)):
        number = aliases.get(name, 0)
        if (number and number not in versions) or (name in held and held[name].version.number == number):
            continue
        order = _order(model, name, number)
        how, who = (HERE, order.by) if order else (seen_by, by)
        _hold(model, name, versions.get(number), held.get(name), how, who)
        moved.append(name)
    return moved


@transaction.atomic
def set_alias(*, model: Model, name: str, number: int, by: User) -> AliasOrder:
    """Ask a worker to let the alias `name` name version `number` in the tracking server; 0 takes it away."""
    require(by, "registry.move_alias", on=model)
    if not ALIAS.match(name) or RESERVED_ALIAS.fullmatch(name):
        told = "Letters, digits, - and _, at most 255; not latest, and not v with a number."
        raise Invalid(fields={"name": [told]})
    if model.gone_at:
        raise Conflict(f"The tracking server no longer has {model}.")
    if number and not model.versions.present().filter(number=number).exists():
        raise Invalid(fields={"version": [f"{model} has no version {number} in the tracking server."]})
    holds = model.aliases.filter(name=name).values_list("version__number", flat=True).first() or 0
    if holds == number:
        raise Conflict(
            f"The alias {name} {f'names version {number} already' if number else 'does not exist'}."
        )
    try:
        with transaction.atomic():
            order = AliasOrder.objects.create(model=model, name=name, number=number, by=by)
    except IntegrityError as error:
        raise Conflict(f"An earlier order for the alias {name} still waits for a worker.") from error
    publish(AliasOrdered(model=model, alias=name, number=number, by=by))
    transaction.on_commit(lambda: current_app.send_task("registry.write_alias", [order.pk]))
    return order


@transaction.atomic
def settle_alias(*, order: AliasOrder, problem: str, by: User) -> AliasOrder:
    """The tracking server took the move, or refused it. Settled once, whoever notices first."""
    if problem:
        changed = AliasOrder.objects.filter(pk=order.pk, state=AliasOrder.State.WAITING)
        if changed.update(state=AliasOrder.State.FAILED, problem=problem):
            publish(AliasOrderFailed(model=order.model, alias=order.name, problem=problem[:500], by=by))
    else:
        held = order.model.aliases.select_related("version").filter(name=order.name).first()
        version = order.model.versions.filter(number=order.number).first()
        if _order(order.model, order.name, order.number):  # else a read saw the move first, and settled it
            _hold(order.model, order.name, version, held, HERE, order.by)
    order.refresh_from_db()
    return order


@transaction.atomic
def share_model(*, model: Model, audience: Group | User, by: User) -> Model:
    """Let a person, a team or everybody with a role see `model` and all that belongs to it."""
    require(by, "registry.share_model", on=model)
    if isinstance(audience, Group) and Team.objects.filter(group=audience).exclude(archived_at=None).exists():
        raise Invalid(fields={"audience": ["This team is archived; share with another one."]})
    assign_perm("registry.view_model", audience, model)
    publish(ModelShared(model=model, audience=str(audience), by=by))
    return model


@transaction.atomic
def unshare_model(*, model: Model, audience: Group | User, by: User) -> Model:
    """Take `model` out of the sight of a person, a team or a role. Who sees it for another reason goes on seeing it."""
    require(by, "registry.share_model", on=model)
    column = {"group": audience} if isinstance(audience, Group) else {"user": audience}
    kind = ModelGroupObjectPermission if isinstance(audience, Group) else ModelUserObjectPermission
    shared = kind.objects.filter(content_object=model, permission__codename=VIEW_MODEL, **column)
    if not shared.exists():
        raise Missing(f"{model} is not shared with {audience}.")
    remove_perm("registry.view_model", audience, model)
    publish(ModelUnshared(model=model, audience=str(audience), by=by))
    return model


@transaction.atomic
def set_endpoint(
    *,
    version: Version,
    environment: str,
    url: str,
    protocol: str = Endpoint.Protocol.MLFLOW,
    served_name: str = "",
    version_in_path: bool = False,
    credential: str = "",
    by: User,
) -> Endpoint:
    """Say where `version` answers queries in `environment`, and how: what is not said is as if it was never said."""
    require(by, "registry.change_endpoint", on=version)
    if environment not in Environment.values:
        raise Invalid(fields={"environment": [f"Choose one of {', '.join(Environment.values)}."]})
    said: dict[str, Any] = {
        "url": url.rstrip("/"),
        "protocol": protocol,
        "served_name": served_name,
        "version_in_path": version_in_path,
        "credential": credential,
    }
    if faults := Endpoint(**said).faults():
        raise Invalid(fields=faults)
    endpoint, _ = Endpoint.objects.update_or_create(version=version, environment=environment, defaults=said)
    publish(
        EndpointSet(
            endpoint=endpoint,
            environment=environment,
            url=endpoint.url,
            protocol=protocol,
            credential=credential,
            by=by,
        )
    )
    return endpoint


@transaction.atomic
def remove_endpoint(*, version: Version, environment: str, by: User) -> Version:
    """Forget where `version` answers in `environment`: the gate then has nowhere to send a query."""
    require(by, "registry.change_endpoint", on=version)
    endpoint = Endpoint.objects.select_for_update().filter(version=version, environment=environment).first()
    if endpoint is None:
        raise Missing(f"{version} has no endpoint in {environment}.")
    endpoint.delete()
    publish(EndpointRemoved(version=version, environment=environment, url=endpoint.url, by=by))
    return version


def _order(model: Model, name: str, number: int) -> AliasOrder | None:
    """The waiting order for exactly this move, settled with it."""
    waiting = AliasOrder.objects.filter(model=model, name=name, number=number, state=AliasOrder.State.WAITING)
    order = waiting.select_related("by").first()
    settled = order and AliasOrder.objects.filter(pk=order.pk, state=AliasOrder.State.WAITING).update(
        state=AliasOrder.State.DONE
    )
    return order if settled else None


def _hold(
    model: Model, name: str, version: Version | None, held: Alias | None, seen_by: str, by: User
) -> None:
    """From now on `name` names `version`, or nothing: the alias, its row in the ledger, its event."""
    previous = held.version.number if held else 0
    if previous == (version.number if version else 0):
        return
    if version:
        Alias.objects.update_or_create(model=model, name=name, defaults={"version": version})
    elif held:
        held.delete()
    LedgerRow.objects.create(
        model=model,
        version=version,
        what=LedgerRow.What.ALIAS,
        name=name,
        before=str(previous or ""),
        after=str(version.number) if version else "",
        seen_by=seen_by,
        by=by,
    )
    told: dict[str, Any] = {"model": model, "alias": name, "previous": previous, "seen_by": seen_by, "by": by}
    publish(AliasMoved(version=version, **told) if version else AliasRemoved(**told))


def _free_slug(kind: Any, name: str) -> str:
    base = slugify(name)[:100] or "unnamed"
    return _free(base, set(kind.objects.filter(slug__startswith=base).values_list("slug", flat=True)))


def _free(base: str, taken: set[str]) -> str:
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
