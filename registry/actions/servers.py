"""Tracking servers: follow one, with its credentials, and note how the last look at it went."""

from __future__ import annotations

import secrets

from celery import current_app
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry import certificates, ciphers
from registry.errors import Conflict, Invalid
from registry.events import (
    CredentialsRotated,
    ServerAdded,
    ServerAuthoritySet,
    ServerBelieved,
    ServerCredentialsSet,
    ServerFailed,
    ServerHookOrdered,
    ServerHookSettled,
    ServerMoved,
    ServerPaused,
    ServerRecovered,
    ServerResumed,
    ServerSynced,
    publish,
)
from registry.models import TrackingServer, User
from registry.permissions import require

LONGEST_SECRET = 4000


@transaction.atomic
def add(
    *, name: str, uri: str, by: User, username: str = "", secret: str = "", authority: str = ""
) -> TrackingServer:
    """Follow the MLflow server at `uri` under a short `name`. Both are unique.

    `secret` is the password of `username`, or without one a bearer token. It is sealed before it is stored. `authority`
    (PEM) is what the server's certificate has to lead to, where that is none that the system knows.
    """
    require(by, "registry.sync_trackingserver")
    _check_address(uri)
    _check_credentials(username, secret)
    trusted = certificates.checked(authority)
    try:
        with transaction.atomic():
            server = TrackingServer.objects.create(
                name=name,
                uri=uri.rstrip("/"),
                username=username,
                sealed_secret=ciphers.seal(secret),
                authority=trusted,
            )
    except IntegrityError as error:
        raise Invalid(fields={"name": ["This name or address is followed already."]}) from error
    publish(ServerAdded(server=server, by=by))
    return server


@transaction.atomic
def move(*, server: TrackingServer, uri: str, by: User) -> TrackingServer:
    """The same tracking server now answers at another address."""
    require(by, "registry.sync_trackingserver")
    _check_address(uri)
    previous, server.uri = server.uri, uri.rstrip("/")
    if server.uri == previous:
        return server
    try:
        with transaction.atomic():
            server.save(update_fields=["uri"])
    except IntegrityError as error:
        raise Invalid(fields={"uri": ["This address is followed already."]}) from error
    publish(ServerMoved(server=server, uri=server.uri, previous=previous, by=by))
    return server


@transaction.atomic
def set_credentials(*, server: TrackingServer, username: str, secret: str, by: User) -> TrackingServer:
    """From now on log in with these; without a secret, with none. The trail hears who, never what."""
    require(by, "registry.sync_trackingserver")
    _check_credentials(username, secret)
    server.username, server.sealed_secret = username, ciphers.seal(secret)
    server.save(update_fields=["username", "sealed_secret"])
    publish(ServerCredentialsSet(server=server, credentials=server.credentials_in_words, by=by))
    return server


@transaction.atomic
def trust(*, server: TrackingServer, authority: str, by: User) -> TrackingServer:
    """From now on its certificate has to lead to one of these (PEM); without any, to one that the system knows."""
    require(by, "registry.sync_trackingserver")
    trusted = certificates.checked(authority)
    if trusted == server.authority:
        return server
    server.authority = trusted
    server.save(update_fields=["authority"])
    publish(ServerAuthoritySet(server=server, authority=server.authority_in_words, by=by))
    return server


@transaction.atomic
def pause(*, server: TrackingServer, by: User) -> TrackingServer:
    """Stop following `server`: it is neither read nor listened to. What is known stays, and files are not hashed."""
    require(by, "registry.sync_trackingserver")
    if not TrackingServer.objects.filter(pk=server.pk, paused_at=None).update(paused_at=timezone.now()):
        raise Conflict(f"{server} is paused already.")
    publish(ServerPaused(server=server, by=by))
    server.refresh_from_db()
    return server


@transaction.atomic
def resume(*, server: TrackingServer, by: User) -> TrackingServer:
    """Follow `server` again; the next read repairs whatever was missed."""
    require(by, "registry.sync_trackingserver")
    if not TrackingServer.objects.filter(pk=server.pk, paused_at__isnull=False).update(paused_at=None):
        raise Conflict(f"{server} is not paused.")
    publish(ServerResumed(server=server, by=by))
    server.refresh_from_db()
    return server


@transaction.atomic
def believe(*, server: TrackingServer, by: User) -> TrackingServer:
    """What is suddenly missing there is meant to be gone: the next read to the end marks it so."""
    require(by, "registry.sync_trackingserver")
    missing = server.in_doubt
    changed = TrackingServer.objects.filter(pk=server.pk, in_doubt__gt=0, in_doubt=missing)
    if not changed.update(believed_at=timezone.now(), in_doubt=0):
        raise Conflict(f"Nothing on {server} is in doubt.")
    publish(ServerBelieved(server=server, missing=missing, by=by))
    server.refresh_from_db()
    return server


@transaction.atomic
def note_synced(
    *, server: TrackingServer, models_added: int, versions_added: int, by: User
) -> TrackingServer:
    """The server was read to its end just now. The trail hears of it only when something was new."""
    failed = bool(server.problem)
    server.synced_at = timezone.now()
    server.problem, server.problem_since = "", None
    server.in_doubt, server.believed_at = 0, None
    server.save(update_fields=["synced_at", "problem", "problem_since", "in_doubt", "believed_at"])
    if failed:
        publish(ServerRecovered(server=server, by=by))
    if models_added or versions_added:
        publish(ServerSynced(server=server, models_added=models_added, versions_added=versions_added, by=by))
    return server


@transaction.atomic
def note_failed(*, server: TrackingServer, problem: str, by: User, in_doubt: int = 0) -> TrackingServer:
    """The server could not be read to its end. What is known stays; the trail hears when it begins."""
    begins = not server.problem
    server.problem_since = server.problem_since or timezone.now()
    server.problem, server.in_doubt = problem, in_doubt
    server.save(update_fields=["problem", "problem_since", "in_doubt"])
    if begins:
        publish(ServerFailed(server=server, problem=problem[:500], by=by))
    return server


@transaction.atomic
def order_hook(*, server: TrackingServer, by: User) -> TrackingServer:
    """Let a worker create the webhook on the tracking server, with a new secret that only the two know."""
    require(by, "registry.sync_trackingserver")
    server.hook, server.hook_problem = TrackingServer.Hook.ORDERED, ""
    server.sealed_hook_secret = ciphers.seal(secrets.token_urlsafe(32))
    server.save(update_fields=["hook", "hook_problem", "sealed_hook_secret"])
    publish(ServerHookOrdered(server=server, by=by))
    key, who = server.pk, by.pk
    transaction.on_commit(lambda: current_app.send_task("registry.create_hook", [key, who]))
    return server


@transaction.atomic
def settle_hook(*, server: TrackingServer, hook_id: str, problem: str, by: User) -> TrackingServer:
    """The tracking server took the webhook, or refused it with a reason."""
    server.hook = TrackingServer.Hook.FAILED if problem else TrackingServer.Hook.ACTIVE
    server.hook_id, server.hook_problem = hook_id or server.hook_id, problem
    server.save(update_fields=["hook", "hook_id", "hook_problem"])
    publish(ServerHookSettled(server=server, state=str(server.hook), problem=problem[:500], by=by))
    return server


@transaction.atomic
def rotate_credentials(*, by: User) -> int:
    """Seal every stored secret again with the first key; returns how many there were."""
    require(by, "registry.sync_trackingserver")
    count = 0
    for server in TrackingServer.objects.select_for_update().order_by("pk"):
        count += sum(map(bool, (server.sealed_secret, server.sealed_hook_secret)))
        server.sealed_secret = ciphers.reseal(server.sealed_secret)
        server.sealed_hook_secret = ciphers.reseal(server.sealed_hook_secret)
        server.save(update_fields=["sealed_secret", "sealed_hook_secret"])
    publish(CredentialsRotated(count=count, by=by))
    return count


def _check_address(uri: str) -> None:
    if not uri.startswith(("http://", "https://")):
        raise Invalid(fields={"uri": ["The address of a tracking server starts with http:// or https://."]})
    if "@" in uri.split("/")[2]:
        raise Invalid(fields={"uri": ["Give the user name and the password in fields of their own."]})


def _check_credentials(username: str, secret: str) -> None:
    if username and not secret:
        raise Invalid(fields={"secret": ["A user name needs its password."]})
    if len(secret) > LONGEST_SECRET or any(ord(sign) < 32 for sign in username + secret):
        raise Invalid(fields={"secret": [f"At most {LONGEST_SECRET} characters, all of them printable."]})
