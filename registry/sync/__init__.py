"""Read a tracking server into the registry: slow looks over the network first, then short transactions.

Every pass looks at all models, versions and aliases: MLflow moves no timestamp when an alias or a tag moves, so a
cursor would miss promotions. What differs is written, and nothing else. What a version consists of is read once; its
files are hashed again on a schedule (`rehash`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from registry import ciphers
from registry.actions import bulk, catalogue, changes, data, servers
from registry.errors import Conflict
from registry.mlflow.connection import Credentials
from registry.mlflow.facts import Absent, ModelFacts, Unacceptable, Unreachable, VersionFacts
from registry.mlflow.reader import TrackingServer as Source
from registry.mlflow.writer import Writer
from registry.models import AliasOrder, Model, TrackingServer, User, Version
from registry.sync import contents
from registry.sync.difference import Change, Difference, compare
from registry.sync.knowledge import known
from registry.sync.locks import alone

RECONCILE, HOOK = "reconcile", "hook"  # values of LedgerRow.SeenBy
SLICE = 250  # models in one transaction
IN_PASSING = 10  # versions that a pass reads whole by itself; more are left to tasks
FEW = 3  # fewer than these may vanish at once without a person's word
PATIENCE_SECONDS = 60


@dataclass
class Outcome:
    """What one pass found: how many models and versions were new, what could not be read, what waits to be read."""

    models_added: int = 0
    versions_added: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)
    waiting: list[int] = dataclasses.field(default_factory=list)  # versions to be read whole by tasks
    moved: list[int] = dataclasses.field(default_factory=list)  # versions to be hashed again by tasks
    busy: bool = False  # another worker reads this server now


class Doubtful(Exception):
    """So much is missing at once that the answer is more likely wrong than true."""

    def __init__(self, sentence: str, missing: int) -> None:
        self.missing = missing
        super().__init__(sentence)


def read(server: TrackingServer, *, by: User, in_passing: int = IN_PASSING) -> Outcome:
    """Bring the registry in step with `server`. When it does not answer, what is known stays, with the reason."""
    outcome = Outcome()
    with alone(server) as mine:
        server.refresh_from_db()
        if not mine or server.paused_at:
            outcome.busy = not mine
            return outcome
        try:
            source = Source(server.uri, credentials=_credentials(server))
            models, versions = _listed(source)
            found = _confirmed(source, server, compare(known(server), models, versions))
            _stored(server, found, outcome, RECONCILE, by)
        except Doubtful as doubt:
            _failed(server, outcome, doubt, by, in_doubt=doubt.missing)
            return outcome
        except (Unreachable, Unacceptable, Conflict) as problem:
            _failed(server, outcome, problem, by)
            return outcome
        servers.note_synced(
            server=server, models_added=outcome.models_added, versions_added=outcome.versions_added, by=by
        )
        keys = contents.due(server)
        contents.claim(keys)
        here = keys if len(keys) <= in_passing else []
        outcome.waiting = keys[len(here) :]
        outcome.problems += contents.read(source, here, by=by)
    _hash_moved(server, outcome, in_passing, by)
    return outcome


def reread(server: TrackingServer, name: str, *, by: User) -> Outcome:
    """Read one model again, because the server told us to. What is missing there is left to the next full read."""
    outcome = Outcome()
    with alone(server, patience_seconds=PATIENCE_SECONDS) as mine:
        server.refresh_from_db()
        if not mine or server.paused_at:
            outcome.busy = not mine
            return outcome
        source = Source(server.uri, credentials=_credentials(server))
        try:
            model, versions = source.model(name), list(source.versions(name))
            found = compare(known(server, like=model), [model], versions)
            found.missing = []
            found = _confirmed(source, server, found)
        except (Absent, Unreachable, Unacceptable, Doubtful) as problem:
            outcome.problems.append(str(problem))
            return outcome
        _stored(server, found, outcome, HOOK, by)
        keys = contents.due(server)[:IN_PASSING]
        contents.claim(keys)
        outcome.problems += contents.read(source, keys, by=by)
    _hash_moved(server, outcome, IN_PASSING, by)
    return outcome


def read_contents(server: TrackingServer, keys: Iterable[int], *, by: User) -> list[str]:
    """Read versions whole; returns what could not be read."""
    return contents.read(Source(server.uri, credentials=_credentials(server)), keys, by=by)


def rehash(version: Version, *, by: User) -> str:
    """Hash the files of `version` again; returns the digest. A changed byte ends the clearance."""
    server = version.model.server
    source = Source(server.uri, credentials=_credentials(server))
    try:
        files = contents.files(source, contents.told(version))
    except Absent as problem:  # the server itself denies them
        data.mark_files_gone(version=version, problem=str(problem), by=by)
        raise
    return data.record_manifest(version=version, files=files, by=by).digest


def write_alias(order: AliasOrder, *, by: User) -> AliasOrder:
    """Carry out what somebody ordered, in the tracking server first; then the registry says the same."""
    server = order.model.server
    with alone(server, patience_seconds=PATIENCE_SECONDS) as mine:
        if not mine:
            return order  # it waits, and is taken up again
        problem = ""
        try:
            writer = Writer(server.uri, credentials=_credentials(server))
            if order.number:
                writer.set_alias(order.model.name, order.name, order.number)
            else:
                writer.remove_alias(order.model.name, order.name)
        except (Absent, Unacceptable, Unreachable, Conflict) as error:
            problem = str(error)
        return catalogue.settle_alias(order=order, problem=problem, by=by)


def create_hook(server: TrackingServer, url: str, *, by: User) -> TrackingServer:
    """Create the webhook on the tracking server, and note how that went."""
    hook_id, problem = "", ""
    try:
        writer = Writer(server.uri, credentials=_credentials(server))
        hook_id = writer.create_webhook(
            f"cardinal-{server.name}", url, ciphers.unseal(server.sealed_hook_secret)
        )
    except (Absent, Unacceptable, Unreachable, Conflict) as error:
        problem = str(error)
    return servers.settle_hook(server=server, hook_id=hook_id, problem=problem, by=by)


def _credentials(server: TrackingServer) -> Credentials:
    return Credentials(server.username, ciphers.unseal(server.sealed_secret), server.authority)


def _listed(source: Source) -> tuple[list[ModelFacts], list[VersionFacts]]:
    try:
        return list(source.models()), list(source.versions())
    except Absent as problem:  # a list is never absent: whoever answers is no tracking server
        raise Unreachable(
            f"{source.uri} did not answer as an MLflow tracking server. Correct its address."
        ) from problem


def _confirmed(source: Source, server: TrackingServer, found: Difference) -> Difference:
    """Only what the server itself denies, asked by name, is gone; and when most of it is missing, a person is asked."""
    if not server.believed_at:
        _doubt(server, found)
    found.missing = [one for one in found.missing if _denied(source, one.name, one.created_at)]
    for change in found.changes:
        change.missing = [n for n in change.missing if _denied_version(source, change.told.name, n)]
    return found


def _doubt(server: TrackingServer, found: Difference) -> None:
    known_models = Model.objects.present().filter(server=server).count()
    gone = len(found.missing)
    if gone and (gone == known_models or (gone >= FEW and gone * 2 > known_models)):
        raise Doubtful(
            f"{gone} of {known_models} known models are suddenly missing on {server.name}. That is not believed: "
            "the server may have been started with another database. Restore it, or confirm on its page that "
            "they are gone.",
            gone,
        )
    lost = sum(len(change.missing) for change in found.changes)
    if lost >= FEW:
        known_versions = Version.objects.present().filter(model__server=server).count()
        if lost * 2 > known_versions:
            raise Doubtful(
                f"{lost} of {known_versions} known versions are suddenly missing on {server.name}. That is not "
                "believed. Restore the server, or confirm on its page that they are gone.",
                lost,
            )


def _denied(source: Source, name: str, created_at: object) -> bool:
    """Whether the server itself says that it has no model of this name and creation time."""
    try:
        return source.model(name).created_at != created_at
    except Absent:
        return True


def _denied_version(source: Source, name: str, number: int) -> bool:
    try:
        source.version(name, number)
    except Absent:
        return True
    return False


def _hash_moved(server: TrackingServer, outcome: Outcome, in_passing: int, by: User) -> None:
    """Hash where they lie now the files of versions whose source moved; more than a few are left to tasks."""
    keys = contents.moved(server)
    contents.claim(keys)
    here = keys if len(keys) <= in_passing else []
    outcome.moved = keys[len(here) :]
    for version in Version.objects.filter(pk__in=here).select_related("model__server", "run"):
        try:
            rehash(version, by=by)
        except (Absent, Unreachable, Unacceptable) as problem:
            outcome.problems.append(str(problem))


def _stored(server: TrackingServer, found: Difference, outcome: Outcome, seen_by: str, by: User) -> None:
    """Write the difference."""
    for one in found.missing:  # first: a model that took over the name of a gone one comes after it
        changes.mark_gone(model=Model.objects.get(pk=one.pk), seen_by=seen_by, by=by)
    for change in found.changes:
        _changed(change, outcome, seen_by, by)
    for start in range(0, len(found.new), SLICE):
        part = found.new[start : start + SLICE]
        made = bulk.register_many(server=server, models=part, by=by)
        outcome.models_added += len(part)
        outcome.versions_added += len(made)


def _changed(change: Change, outcome: Outcome, seen_by: str, by: User) -> None:
    made = changes.bring_in_step(
        model=Model(pk=change.known.pk),
        told=change.told,
        new=change.new,
        changed=change.changed,
        gone=change.missing,
        seen_by=seen_by,
        by=by,
    )
    outcome.versions_added += len(made)


def _failed(
    server: TrackingServer, outcome: Outcome, problem: Exception, by: User, in_doubt: int = 0
) -> None:
    outcome.problems.append(str(problem))
    servers.note_failed(server=server, problem=str(problem), in_doubt=in_doubt, by=by)
