"""AI systems: register one, change what it is, say which models it uses, take it out of service."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import slugify

from registry.errors import Conflict, Invalid, Missing
from registry.events import (
    SystemChanged,
    SystemEdited,
    SystemModelRemoved,
    SystemRegistered,
    SystemRetired,
    publish,
)
from registry.models import Model, System, User
from registry.permissions import require, require_whole
from registry.wording import required, within

SUBSTANCE = ("intended_purpose", "operator_role")  # what the risk class was decided about
LONGEST_NAME, LONGEST_TEAM = 120, 200


@transaction.atomic
def register(*, name: str, intended_purpose: str, operator_role: str, team: str = "", by: User) -> System:
    """Register an AI system with its intended purpose (Art. 3(12)) and the operator role taken for it."""
    require(by, "registry.add_system")
    facts = _checked(name=name, intended_purpose=intended_purpose, operator_role=operator_role, team=team)
    try:
        with transaction.atomic():
            system = System.objects.create(slug=slugify(name)[:80], created_by=by, **facts)
    except IntegrityError as error:
        raise Invalid(fields={"name": ["There is a system of this name already."]}) from error
    publish(SystemRegistered(system=system, operator_role=operator_role, by=by))
    return system


@transaction.atomic
def edit(
    *,
    system: System,
    name: str,
    intended_purpose: str,
    operator_role: str,
    team: str,
    on_top_of: int,
    by: User,
) -> System:
    """Change what `system` is, as read in its edition `on_top_of`. Each changed field is told with before and after.

    A new purpose or role is another thing than what the risk class was decided about: until compliance decides
    again, no version in the system is cleared (compare Art. 3(23), substantial modification). That ends the traffic of
    every model in it, so it takes somebody who sees them all: see `require_whole`.
    """
    require(by, "registry.change_system", on=system)
    facts = _checked(name=name, intended_purpose=intended_purpose, operator_role=operator_role, team=team)
    before = System.objects.select_for_update().get(pk=system.pk)
    if before.edition != on_top_of:
        raise Conflict(f"{before} has changed since you read it: read it again, then change it.")
    changed = {field: value for field, value in facts.items() if getattr(before, field) != value}
    if not changed:
        return before
    if not changed.keys().isdisjoint(SUBSTANCE):
        require_whole(by, before)
    after = _next_edition(before, **changed)
    for field, value in changed.items():
        was, substance = getattr(before, field), field in SUBSTANCE
        publish(SystemEdited(system=after, field=field, before=was, after=value, substance=substance, by=by))
    return after


@transaction.atomic
def add_model(*, system: System, model: Model, by: User) -> System:
    """Say that `system` uses `model`. The system's risk class then decides about the model's versions."""
    require(by, "registry.change_system", on=system)
    require(by, "registry.change_system", on=model)
    locked = System.objects.select_for_update().get(pk=system.pk)
    if locked.models.filter(pk=model.pk).exists():
        return locked
    after = _next_edition(locked)
    after.models.add(model)
    publish(SystemChanged(system=after, what=f"uses {model.name}", by=by))
    return after


@transaction.atomic
def remove_model(*, system: System, model: Model, by: User) -> System:
    """Say that `system` no longer uses `model`. In no system, no version of it is cleared."""
    require(by, "registry.change_system", on=system)
    require(by, "registry.change_system", on=model)
    locked = System.objects.select_for_update().get(pk=system.pk)
    if not locked.models.filter(pk=model.pk).exists():
        raise Missing(f"{system} does not use {model}.")
    after = _next_edition(locked)
    after.models.remove(model)
    publish(SystemModelRemoved(system=after, model=model, by=by))
    return after


@transaction.atomic
def retire(*, system: System, reason: str, by: User) -> System:
    """Take `system` out of service, for good. It keeps its models and its history; its clearances end at once.

    Nothing stands in the way of it, not even traffic: to stop is what a retirement is for. Pages say beforehand how
    many cleared versions lose their clearance; so that this is all of them, `by` has to see every model in it.
    """
    require(by, "registry.change_system", on=system)
    said = required(reason, field="reason", missing="Say why the system goes out of service.", longest=500)
    locked = System.objects.select_for_update().get(pk=system.pk)
    require_whole(by, locked)
    after = _next_edition(locked, retired_at=timezone.now(), retired_because=said)
    publish(SystemRetired(system=after, reason=said, by=by))
    return after


def _next_edition(system: System, **changed: object) -> System:
    """Write `changed`. The row is locked by the caller; the database dates what has to be dated."""
    if system.retired_at:
        raise Conflict(f"{system} is retired and stays as it is.")
    try:
        with transaction.atomic():
            System.objects.filter(pk=system.pk).update(edition=F("edition") + 1, **changed)
    except IntegrityError as error:
        raise Invalid(fields={"name": ["There is a system of this name already."]}) from error
    return System.objects.get(pk=system.pk)


def _checked(*, name: str, intended_purpose: str, operator_role: str, team: str) -> dict[str, str]:
    """What was given, without margins; `Invalid` naming every field that cannot be taken."""
    problems: dict[str, list[str]] = {}
    given = {"name": name, "intended_purpose": intended_purpose, "team": team}
    if not slugify(name):
        problems["name"] = ["Give the system a name with letters or digits."]
    for field, longest in (("name", LONGEST_NAME), ("team", LONGEST_TEAM)):
        try:
            given[field] = within(given[field].strip(), field=field, longest=longest)
        except Invalid as error:
            problems = error.fields | problems
    try:
        given["intended_purpose"] = required(
            intended_purpose, field="intended_purpose", missing="Say what the system is meant to do."
        )
    except Invalid as error:
        problems |= error.fields
    if operator_role not in System.OperatorRole.values:
        problems["operator_role"] = [f"Choose one of {', '.join(System.OperatorRole.values)}."]
    if problems:
        raise Invalid(fields=problems)
    return given | {"operator_role": operator_role}
