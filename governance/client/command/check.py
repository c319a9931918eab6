"""`cardinal check` and `cardinal explain`: may it serve, may it be asked, and if not, why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from governance.client.answers import Clearance, Why
from governance.client.catalogue import Named
from governance.client.command.asking import ACTIONS, ENVIRONMENTS, NO, Asking, VersionName, asks, stop
from governance.client.command.printing import clean, note, say, when
from governance.client.errors import Reason
from governance.client.portal import Portal

IN = click.option(
    "--environment", "-e", type=click.Choice(ENVIRONMENTS), default="production", show_default=True
)
CALLER = click.option("--caller", default="", help="Whose query; yours, if left out.")
NETWORK = click.option("--network", default="", help="Address that the query would come from.")
PURPOSE = click.option("--purpose", default="", help="What the query would be for.")


@dataclass(frozen=True)
class Outcome:
    """What `check` has found."""

    named: Named
    clearance: Clearance
    why: Why | None

    @property
    def cleared(self) -> bool:
        """Whether a pipeline may go on."""
        return self.clearance.allowed and (self.why is None or self.why.allowed)

    @property
    def reasons(self) -> list[Reason]:
        """Everything that stands against it."""
        found = [
            Reason(one.reason or one.code, one.why or one.label, one.remedy) for one in self.clearance.unmet
        ]
        if self.why and not self.why.allowed and not (found and self.why.reason == "not_cleared"):
            found.append(Reason(self.why.reason, self.why.sentence))
        return found

    def told(self) -> dict[str, Any]:
        """The shape of --json."""
        return {
            "cleared": self.cleared,
            "model": self.clearance.model,
            "version": self.clearance.version,
            "alias": self.named.alias,
            "environment": self.clearance.environment,
            "valid_until": self.clearance.valid_until,
            "assessed_at": self.clearance.assessed_at,
            "reasons": self.reasons,
            "conditions": self.clearance.conditions,
            "access": self.why,
        }


@click.command(
    epilog="""\b
Examples:
  cardinal check credit-scorer@champion --environment production
  cardinal check credit-scorer/3 --wait 600
  cardinal check credit-scorer@champion --action predict --caller scoring --json"""
)
@click.argument("version", type=VersionName())
@IN
@click.option(
    "--action", type=click.Choice(ACTIONS), help="Ask the access policy too: may the caller do this?"
)
@CALLER
@NETWORK
@PURPOSE
@click.option(
    "--wait", type=click.FloatRange(0, 86_400), default=0.0, metavar="SECONDS",
    help="Look again until it is cleared, for so long.",
)  # fmt: skip
@asks
def check(asking: Asking, *, version: Named, environment: str, wait: float, **query: Any) -> None:
    """May this version serve? VERSION is MODEL@ALIAS or MODEL/NUMBER.

    Exits 0 when it is cleared, 1 with every reason when it is not, 2 when the question is wrong, 3 when nobody could
    be asked.
    """
    with asking.portal() as portal:

        def ask() -> Clearance:
            return portal.clearances.of(version.model, portal.models.number_of(version), environment)

        found = portal.clearances.wait(ask, wait, told=_waiting)
        outcome = Outcome(version, found, _asked(portal, found, **query) if query["action"] else None)
    asking.show(outcome.told(), lambda: _print(outcome))
    if not outcome.cleared:
        stop(NO)


@click.command(
    epilog="\b\nExample:\n  cardinal explain credit-scorer@champion --caller scoring --network 10.0.0.7"
)
@click.argument("version", type=VersionName())
@IN
@click.option("--action", type=click.Choice(ACTIONS), default="predict", show_default=True)
@CALLER
@NETWORK
@PURPOSE
@asks
def explain(asking: Asking, *, version: Named, environment: str, **query: Any) -> None:
    """Why would the gate allow or deny this? Account, rules and clearance, one by one.

    Exits 0 when it would be allowed, and 1 when it would be denied.
    """
    with asking.portal() as portal:
        caller = query["caller"] or portal.me().username
        named = version.alias or str(version.number)
        why = portal.access.why(
            version.model, version=named, environment=environment, **query | {"caller": caller}
        )
    asking.show(why, lambda: reasoning(why))
    if not why.allowed:
        stop(NO)


def _asked(portal: Portal, found: Clearance, *, action: str, caller: str, **query: str) -> Why:
    return portal.access.why(
        found.model,
        caller=caller or portal.me().username,
        version=str(found.version),
        action=action,
        environment=found.environment,
        **query,  # type: ignore[arg-type]  # network and purpose
    )


def _waiting(found: Clearance) -> None:
    note(f"Not cleared yet: {', '.join(clean(one.reason or one.code) for one in found.unmet)}.")


def _print(outcome: Outcome) -> None:
    one = outcome.clearance
    called = f" (@{outcome.named.alias})" if outcome.named.alias else ""
    name = f"{clean(one.model)} v{one.version}{called}"
    if outcome.cleared:
        until = f" until {when(one.valid_until)}" if one.valid_until else ""
        say(f"{name} is cleared for {clean(one.environment)}{until}.", mark="green")
        return
    said = "is not cleared for" if not one.allowed else "is cleared, but the query would be denied in"
    say(f"{name} {said} {clean(one.environment)}:", mark="red")
    for reason in outcome.reasons:
        say(f"  {clean(reason.code)}: {clean(reason.sentence)}")
        if reason.remedy:
            say(f"    {clean(reason.remedy)}")


def reasoning(why: Why) -> None:
    """Everything that the answer rests on, a line each."""
    say(clean(why.sentence), mark="green" if why.allowed else "red")
    say(f"  {'allowed' if why.allowed else 'denied'} ({clean(why.reason)}), version {why.version or '-'}")
    for point in why.points:
        say(f"  {'yes' if point.met else 'NO ':3} {clean(point.label)}: {clean(point.said)}")
    for rule in why.rules:
        say(f"  {'yes' if rule.applies else 'no ':3} rule {rule.rule}: {clean(rule.sentence)}")
        for one in rule.conditions:
            holds = {True: "yes", False: "NO", None: "unknown"}[one.holds]
            say(f"        {holds}: {clean(one.words)} ({clean(one.code)})")
    for row in why.clearance:
        if not row.get("met"):
            say(
                f"  NO  {clean(row.get('label', ''))}: {clean(row.get('why', ''))} {clean(row.get('remedy', ''))}"
            )
