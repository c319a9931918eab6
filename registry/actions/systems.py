"""AI systems: register one, put a model into it."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from registry.errors import Invalid
from registry.events import SystemChanged, SystemRegistered, publish
from registry.models import Model, System, User
from registry.permissions import require
from registry.wording import required


@transaction.atomic
def register(*, name: str, intended_purpose: str, operator_role: str, by: User) -> System:
    """Register an AI system with its intended purpose (Art. 3(12)) and the operator role taken for it."""
    require(by, "registry.add_system")
    problems = {}
    if not slugify(name):
        problems["name"] = ["Give the system a name with letters or digits."]
    if operator_role not in System.OperatorRole.values:
        problems["operator_role"] = [f"Choose one of {', '.join(System.OperatorRole.values)}."]
    try:
        purpose = required(
            intended_purpose, field="intended_purpose", missing="Say what the system is meant to do."
        )
    except Invalid as error:
        problems |= error.fields
    if problems:
        raise Invalid(fields=problems)
    try:
        with transaction.atomic():
            system = System.objects.create(
                slug=slugify(name)[:80],
                name=name.strip(),
                intended_purpose=purpose,
                operator_role=operator_role,
                created_by=by,
            )
    except IntegrityError as error:
        raise Invalid(fields={"name": ["There is a system of this name already."]}) from error
    publish(SystemRegistered(system=system, operator_role=operator_role, by=by))
    return system


@transaction.atomic
def add_model(*, system: System, model: Model, by: User) -> System:
    """Say that `system` uses `model`. The system's risk class then decides about the model's versions."""
    require(by, "registry.change_system", on=system)
    require(by, "registry.change_system", on=model)
    if not system.models.filter(pk=model.pk).exists():
        system.models.add(model)
        publish(SystemChanged(system=system, what=f"uses {model.name}", by=by))
    return system
