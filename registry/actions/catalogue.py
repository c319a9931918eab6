"""Models, versions and aliases, as a tracking server tells them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify
from guardian.shortcuts import assign_perm, remove_perm

from registry.errors import Invalid, Missing
from registry.events import (
    AliasMoved,
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
    Endpoint,
    Environment,
    Model,
    ModelGroupObjectPermission,
    ModelUserObjectPermission,
    Run,
    TrackingServer,
    User,
    Version,
)
from registry.models.visibility import VIEW_MODEL
from registry.permissions import require


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
def move_aliases(*, model: Model, aliases: dict[str, int], by: User) -> list[str]:
    """Make the aliases of `model` equal to `aliases` (name → version number); returns the names that moved."""
    require(by, "registry.sync_trackingserver")
    held = {alias.name: alias for alias in model.aliases.select_related("version")}
    versions = {version.number: version for version in model.versions.all()}
    moved = []
    for name, number in sorted(aliases.items()):
        if number not in versions or (name in held and held[name].version.number == number):
            continue
        previous = held[name].version.number if name in held else 0
        Alias.objects.update_or_create(model=model, name=name, defaults={"version": versions[number]})
        publish(AliasMoved(model=model, alias=name, version=versions[number], previous=previous, by=by))
        moved.append(name)
    for name in sorted(set(held) - set(aliases)):
        publish(AliasRemoved(model=model, alias=name, previous=held[name].version.number, by=by))
        held[name].delete()
        moved.append(name)
    return moved


@transaction.atomic
def share_model(*, model: Model, audience: Group | User, by: User) -> Model:
    """Let a person or the members of a group see `model` and all that belongs to it."""
    require(by, "registry.share_model", on=model)
    assign_perm("registry.view_model", audience, model)
    publish(ModelShared(model=model, audience=str(audience), by=by))
    return model


@transaction.atomic
def unshare_model(*, model: Model, audience: Group | User, by: User) -> Model:
    """Take `model` out of the sight of a person or a group. Who sees it for another reason goes on seeing it."""
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
def set_endpoint(*, version: Version, environment: str, url: str, by: User) -> Endpoint:
    """Say where `version` answers queries in `environment`."""
    require(by, "registry.change_endpoint", on=version)
    if environment not in Environment.values:
        raise Invalid(fields={"environment": [f"Choose one of {', '.join(Environment.values)}."]})
    _check_endpoint(url)
    endpoint, _ = Endpoint.objects.update_or_create(
        version=version, environment=environment, defaults={"url": url.rstrip("/")}
    )
    publish(EndpointSet(endpoint=endpoint, environment=environment, url=endpoint.url, by=by))
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


def _check_endpoint(url: str) -> None:
    """A plain address: the gate adds the path of the query, so nothing may stand where that would end up."""
    try:
        parts = urlsplit(url)
        plain = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        parts, plain = None, False
    if not plain or parts is None or parts.username or parts.password or "?" in url or "#" in url:
        sentence = "Give an address such as http://host:port/path, without account, query or fragment."
        raise Invalid(fields={"url": [sentence]})
    if settings.ENDPOINT_HOSTS and parts.hostname not in settings.ENDPOINT_HOSTS:
        raise Invalid(fields={"url": [f"Model servers run on {', '.join(settings.ENDPOINT_HOSTS)} only."]})


def _free_slug(kind: Any, name: str) -> str:
    base = slugify(name)[:100] or "unnamed"
    taken = set(kind.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
