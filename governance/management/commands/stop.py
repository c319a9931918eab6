"""Stop queries, lift a stop, or list what is stopped: for when the portal is down and the database is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from governance import refusals
from governance.actions import stops
from governance.models import Stop, Token
from registry.errors import DomainError, Missing, Refused
from registry.models import Model, User


class Command(BaseCommand):
    """`manage.py stop --model credit-risk --reason "It answers nonsense." --by owner`; `--lift 3` ends a stop.

    Whoever is named has to have the right to it, and answers for it in the trail. Without a target it lists.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        target = parser.add_mutually_exclusive_group()
        target.add_argument("--all", action="store_true", help="every query to every model")
        target.add_argument("--model", default="", help="slug of a model")
        target.add_argument("--token", type=UUID, help="id of a token")
        target.add_argument("--lift", type=int, help="number of a stop")
        parser.add_argument("--reason", default="", help="why; it stands in the trail")
        parser.add_argument("--by", default="", help="name of the account that answers for it")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = [options[one] for one in ("all", "model", "token", "lift")]
        if not any(asked):
            self._list()
            return
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None:
            raise CommandError("Name with --by the account that answers for it.")
        try:
            done = _done(options, by)
        except DomainError as error:
            if isinstance(error, Refused):
                refusals.keep(error, by=by)
            raise CommandError(str(error)) from error
        self.stdout.write(f"{done.pk}  {done.what}: {'lifted' if done.lifted_at else 'stopped'}.")

    def _list(self) -> None:
        rows = Stop.objects.in_force().select_related("model", "token", "by").order_by("-stopped_at")
        for one in rows:
            self.stdout.write(
                f"{one.pk}  {one.what}, by {one.by} since {one.stopped_at:%Y-%m-%d %H:%M} UTC: {one.reason}"
            )
        if not rows:
            self.stdout.write("Nothing is stopped.")


def _done(options: dict[str, Any], by: User) -> Stop:
    reason = options["reason"]
    if options["all"]:
        return stops.stop_all(reason=reason, by=by)
    if options["model"]:
        model = Model.objects.visible_to(by).filter(slug=options["model"]).first()
        if model is None:
            raise Missing("There is no such model, or it is not shared with this account.")
        return stops.stop_model(model=model, reason=reason, by=by)
    if options["token"]:
        token = Token.objects.select_related("owner__service").filter(pk=options["token"]).first()
        if token is None:
            raise Missing("There is no such token.")
        return stops.stop_token(token=token, reason=reason, by=by)
    stop = (
        Stop.objects.select_related("model", "token__owner__service", "by").filter(pk=options["lift"]).first()
    )
    if stop is None:
        raise Missing("There is no such stop.")
    return stops.lift(stop=stop, reason=reason, by=by)
