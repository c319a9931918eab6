"""A model that may be queried, gates in front of it, a crowd that asks: what a change is measured on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from governance.actions import policies
from governance.models import PolicyVersion
from registry.actions import catalogue
from registry.models import Environment, Model, User, Version
from tests import factories
from tests.governance.gate.crowd import Crowd, Heard, question

BOUND = 1.0  # seconds after its commit from which on nobody is answered by what was before
UNDECIDED = "cannot_decide"
OTHER = "*"  # whatever it says, it no longer says what it said


@dataclass(frozen=True)
class Case:
    """A question, what is answered before `act` and after it; `back` makes it as it was."""

    ask: bytes
    before: str
    after: str
    act: Callable[[], object]
    back: Callable[[], object] | None = None


CHANGES: dict[str, Callable[[Stand], Case]] = {}


def change(make: Callable[[Stand], Case]) -> Callable[[Stand], Case]:
    """A row of the table of changes."""
    CHANGES[make.__name__] = make
    return make


@dataclass(frozen=True)
class Seen:
    """Milliseconds from the commit to the first answer by what is new, and to the last one by what was before."""

    first: float
    last: float


@dataclass
class Stand:
    """One model with two cleared versions, champion, policy and endpoint; and another that only a team sees."""

    upstreams: tuple[str, str] = ("http://127.0.0.1:9", "http://127.0.0.1:9")
    model: Model = field(init=False)
    versions: tuple[Version, Version] = field(init=False)
    boss: User = field(init=False)
    _made: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several rows stand on, made when the first asks for it."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def make(self) -> Stand:
        """Reaches it by verbs."""
        self.boss = factories.member("admin")
        first = served(url=self.upstreams[0])
        second = factories.approved_version(factories.version(model=first.model, number=2))
        self.model, self.versions = first.model, (first, second)
        return self

    @property
    def owner(self) -> User:
        """Who owns what nobody else owns."""
        return factories.member("owner")

    def asks(self, secret: str, *, model: Model | None = None, where: str = "", door: str = "check") -> bytes:
        """The question of whoever holds `secret`."""
        return question(f"/models/{(model or self.model).slug}{where}/invocations", secret, door)

    def token(self, **limits: Any) -> tuple[Any, bytes]:
        """A new token for the model, and what is asked with it."""
        token, secret = factories.token(self.model, **limits)
        return token, self.asks(secret.text)

    def publish(self, *subjects: str, effect: str = "allow") -> PolicyVersion:
        """The next policy of the model."""
        return publish(self.model, factories.rules(*subjects, effect=effect))


def served(*, url: str = "http://127.0.0.1:9", risk_class: str = "") -> Version:
    """A cleared version, which is the champion of a model of its own, with a policy and an endpoint."""
    made = factories.version()
    if risk_class:
        factories.system(model=made.model, risk_class=risk_class)
    cleared = factories.approved_version(made)
    boss = factories.member("admin")
    catalogue.move_aliases(model=cleared.model, aliases={"champion": 1}, by=boss)
    catalogue.set_endpoint(version=cleared, environment=Environment.PRODUCTION, url=url, by=boss)
    factories.policy(cleared.model, "group:owner")
    return cleared


def publish(model: Model, content: dict[str, Any]) -> PolicyVersion:
    """The next policy of `model` in production."""
    held = PolicyVersion.objects.filter(policy__model=model, policy__environment="production").count()
    return policies.publish(
        model=model, environment="production", content=content, on_top_of=held, by=factories.member("owner")
    )


def sql(statement: str, *values: Any) -> Callable[[], None]:
    """One statement past every verb, later."""

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    return run


def role(name: str) -> Group:
    """The group of a role."""
    return Group.objects.get(name=name)


def measure(crowd: Crowd, case: Case) -> list[Seen]:
    """Plays the case, and back where it can be; nobody is answered by what was before once a second has gone."""
    played = []
    for before, after, act in ((case.before, case.after, case.act), (case.after, case.before, case.back)):
        if act:
            played.append(_play(crowd, case.ask, before, after, act))
    return played


def _play(crowd: Crowd, ask: bytes, before: str, after: str, act: Callable[[], object]) -> Seen:
    new = (lambda sign: sign == after) if after != OTHER else (lambda sign: sign not in (before, UNDECIDED))
    crowd.forget()
    crowd.ask = ask
    try:
        crowd.until(
            lambda: _settled(crowd, lambda sign: sign == before, 0.0, 2), 10, f"not “{before}” before"
        )
        began = time.monotonic()
        act()
        committed = time.monotonic()
        crowd.until(lambda: _settled(crowd, new, committed, 2), 10, f"not “{after}” after")
    finally:
        crowd.ask = None
    time.sleep(3 * crowd.pause)
    return _judged(list(crowd.heard), before, after, began, committed)


def _settled(crowd: Crowd, says: Callable[[str], bool], since: float, times: int) -> bool:
    """Whether each connection was answered so, the last so many times."""
    for line in range(crowd.connections * len(crowd.ports)):
        last = [one for one in crowd.since(since) if one.line == line][-times:]
        if len(last) < times or not all(says(one.sign) for one in last):
            return False
    return True


def _judged(heard: list[Heard], before: str, after: str, began: float, committed: float) -> Seen:
    """A busy machine may hear “cannot decide”; nobody may hear anything else, or the old after the new."""
    old = [one for one in heard if one.sign == before]
    new = [one for one in heard if one.sign not in (before, UNDECIDED)]
    assert {one.sign for one in new} == {after} or after == OTHER, {one.sign for one in new}
    assert not [one for one in new if one.came < began], "known before it was"
    late = [one.asked - committed for one in old if one.asked > committed + BOUND]
    assert not late, f"asked {max(late):.2f} s after the commit, and answered as before"
    for line in {one.line for one in new}:
        known = min(one.came for one in new if one.line == line)
        back = [one for one in old if one.line == line and one.asked > known]
        assert not back, "known, and forgotten again"
    return Seen(
        max(0.0, min(one.came for one in new) - committed) * 1000,
        max(0.0, max(one.came for one in old) - committed) * 1000,
    )
