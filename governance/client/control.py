"""What may be done, and what was: clearances, access, reviews, policies, decisions. Only read: none of it is decided by
token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from governance.client.answers import Clearance, Decided, Decision, Policy, Reach, Review, Who, Why
from governance.client.catalogue import part
from governance.client.errors import Unexpected
from governance.client.reading import read
from governance.client.wire import Wire

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0  # seconds between two looks


@dataclass(frozen=True)
class Clearances:
    """May a version serve, now?"""

    wire: Wire

    def of(self, slug: str, number: int, environment: str = "production") -> Clearance:
        """Every condition, met or not."""
        path = f"models/{part(slug)}/versions/{number}/clearance/"
        return read(Clearance, self.wire.get(path, {"environment": environment}).data)

    def wait(
        self,
        ask: Callable[[], Clearance],
        seconds: float,
        *,
        told: Callable[[Clearance], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Clearance:
        """Ask again until it is cleared or the time is over; `told` hears what stands against it each time."""
        deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
        while not (found := ask()).allowed and (left := deadline - time.monotonic()) > 0:
            told(found)
            sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
        return found


@dataclass(frozen=True)
class Access:
    """Who can query what, and why not."""

    wire: Wire

    def why(
        self,
        model: str,
        *,
        caller: str = "",
        token: str = "",
        version: str = "",
        action: str = "predict",
        environment: str = "production",
        network: str = "",
        purpose: str = "",
        payload_bytes: int | None = None,
        at: datetime | None = None,
    ) -> Why:
        """The gate's reasoning about one question. Name the account, or a token by its id."""
        asked = {
            "caller": caller, "token": token, "model": model, "version": version, "action": action,
            "environment": environment, "network": network, "purpose": purpose, "payload_bytes": payload_bytes,
            "at": at.isoformat() if at else "",
        }  # fmt: skip
        return read(Why, self.wire.get("access/why/", asked).data)

    def decide(
        self,
        presented: str,
        model: str,
        *,
        version: int | None = None,
        alias: str = "",
        environment: str = "",
        action: str = "",
        network: str = "",
        purpose: str = "",
        payload_bytes: int | None = None,
    ) -> Decided:
        """How the gate would decide now about a query with the token `presented`. Needs the scope `introspect`."""
        asked = {
            "token": presented, "model": model, "version": "" if version is None else str(version), "alias": alias,
            "environment": environment, "action": action, "address": network, "purpose": purpose,
            "payload_bytes": "" if payload_bytes is None else str(payload_bytes),
        }  # fmt: skip
        given = {name: value for name, value in asked.items() if value}
        return read(Decided, self.wire.ask("decide/", given).data)

    def who(self, slug: str, *, environment: str = "production", action: str = "predict") -> tuple[Who, ...]:
        """Everybody who can query a model."""
        asked = {"environment": environment, "action": action}
        return tuple(read(Who, row) for row in self._all(f"models/{part(slug)}/access/", asked))

    def of_account(self, username: str) -> tuple[Reach, ...]:
        """What an account reaches."""
        return tuple(read(Reach, row) for row in self._all(f"access/people/{part(username)}/"))

    def of_token(self, key: str) -> tuple[Reach, ...]:
        """What a token reaches."""
        return tuple(read(Reach, row) for row in self._all(f"access/tokens/{part(key)}/"))

    def _all(self, path: str, asked: dict[str, str] | None = None) -> list[object]:
        data = self.wire.get(path, asked).data
        if not isinstance(data, dict) or not isinstance(data.get("results"), list):
            raise Unexpected(f"{path} is no list. Is this address a portal?")
        found: list[object] = data["results"]
        return found


@dataclass(frozen=True)
class Reviews:
    """What others judged."""

    wire: Wire

    def list(self, *, state: str = "", model: str = "", limit: int | None = None) -> Iterator[Review]:
        """Newest first."""
        asked = {"state": state, "model": model}
        return (read(Review, row) for row in self.wire.rows("reviews/", asked, limit=limit))

    def get(self, key: int) -> Review:
        """One review with its judgements and conditions."""
        return read(Review, self.wire.get(f"reviews/{key}/").data)


@dataclass(frozen=True)
class Policies:
    """Access policies in force."""

    wire: Wire

    def get(self, slug: str, environment: str = "production") -> Policy:
        """The policy of a model in an environment."""
        return read(Policy, self.wire.get(f"policies/{part(slug)}/{part(environment)}/").data)


@dataclass(frozen=True)
class Decisions:
    """What the gate decided."""

    wire: Wire

    def list(
        self,
        *,
        model: str = "",
        answer: str = "",
        reason: str = "",
        caller: str = "",
        environment: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Decision]:
        """Newest first; `answer` is allowed or refused."""
        asked = {
            "model": model, "answer": answer, "reason": reason, "caller": caller, "environment": environment,
            "since": since.isoformat() if since else "", "until": until.isoformat() if until else "",
        }  # fmt: skip
        return (read(Decision, row) for row in self.wire.rows("decisions/", asked, limit=limit))

    def get(self, key: str) -> Decision:
        """One decision."""
        return read(Decision, self.wire.get(f"decisions/{part(key)}/").data)
