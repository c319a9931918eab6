"""Tokens: issue, rotate, revoke, ask about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.client.answers import Introspection, Token
from governance.client.catalogue import part
from governance.client.errors import Unexpected
from governance.client.reading import read
from governance.client.wire import Wire

VISIBLE = 10


class Secret:
    """The text of a new token. It is told once, and printed only by whoever asks for `text`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"Secret({self._text[:VISIBLE]}…)"

    __str__ = __repr__

    @property
    def text(self) -> str:
        """The secret itself."""
        return self._text


@dataclass(frozen=True)
class Issued:
    """A new token and its secret."""

    token: Token
    secret: Secret


@dataclass(frozen=True)
class Tokens:
    """Tokens that you may see. Needs the scope `token` to change any, and `introspect` to ask about others'."""

    wire: Wire

    def list(self, *, state: str = "", model: str = "", limit: int | None = None) -> Iterator[Token]:
        """Newest first; `state` is active, waiting, expired or revoked."""
        asked = {"state": state, "model": model}
        return (read(Token, row) for row in self.wire.rows("tokens/", asked, limit=limit))

    def get(self, key: str) -> Token:
        """One token."""
        return read(Token, self.wire.get(f"tokens/{part(key)}/").data)

    def issue(
        self,
        *,
        name: str,
        environment: str,
        expires_at: datetime,
        models: Sequence[str] = (),
        tag: str = "",
        actions: Sequence[str] = (),
        portal: Sequence[str] = (),
        owner: str = "",
        versions: Sequence[int] = (),
        alias: str = "",
        purpose: str = "",
        networks: Sequence[str] = (),
        rate: tuple[int, str] | None = None,
        quota: tuple[int, str] | None = None,
    ) -> Issued:
        """A new token; `rate` is (60, "minute"), `quota` is (1000, "day"). It waits for a second person where it
        reaches a high-risk model.
        """
        given = {
            "name": name, "environment": environment, "expires_at": expires_at.isoformat(),
            "models": list(models), "tag": tag, "actions": list(actions), "portal": list(portal), "owner": owner,
            "versions": list(versions), "alias": alias, "purpose": purpose, "networks": list(networks),
            "rate": {"limit": rate[0], "per": rate[1]} if rate else None,
            "quota": {"limit": quota[0], "per": quota[1]} if quota else None,
        }  # fmt: skip
        return _issued(
            self.wire.send("POST", "tokens/", {key: one for key, one in given.items() if one}).data
        )

    def rotate(self, key: str, *, overlap_hours: int = 24, expires_at: datetime | None = None) -> Issued:
        """A successor with the same scope; the old one works on for `overlap_hours`."""
        given: dict[str, Any] = {"overlap_hours": overlap_hours}
        if expires_at:
            given["expires_at"] = expires_at.isoformat()
        return _issued(self.wire.send("POST", f"tokens/{part(key)}/rotation/", given).data)

    def revoke(self, key: str) -> None:
        """End a token within a second."""
        self.wire.send("DELETE", f"tokens/{part(key)}/")

    def introspect(self, text: str, *, model: str = "", action: str = "") -> Introspection:
        """What a token that somebody has presented may do (RFC 7662); with `model` the gate is asked as well."""
        asked = {"token": text, "model": model, "action": action}
        given = {name: value for name, value in asked.items() if value}
        return read(Introspection, self.wire.ask("introspect/", given).data)


def _issued(data: Any) -> Issued:
    secret = data.get("secret") if isinstance(data, dict) else None
    if not isinstance(secret, str):
        raise Unexpected("The answer holds no secret. Look for the token in the portal, and revoke it.")
    return Issued(read(Token, data), Secret(secret))
