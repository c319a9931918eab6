"""The client: `Portal`, and a part for each noun.

    with Portal.found() as portal:
        clearance = portal.clearances.of("credit-scorer", 3, "production")

Lists are iterators that fetch page after page. Everything else is one question. What can go wrong is in
`governance.client.errors`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from governance.client import answers, configuration
from governance.client.catalogue import Datasets, Documents, Models
from governance.client.configuration import Configuration
from governance.client.control import Access, Clearances, Decisions, Policies, Reviews
from governance.client.reading import read
from governance.client.tokens import Tokens
from governance.client.wire import Wire
from governance.client.work import Reports, Servers


class Portal:
    """One portal, asked with one token. Close it, or use it in a `with` block."""

    def __init__(self, given: Configuration) -> None:
        self.url, self.wire = given.url, Wire(given)
        self.models, self.datasets = Models(self.wire), Datasets(self.wire)
        self.documents, self.clearances = Documents(self.wire), Clearances(self.wire)
        self.access, self.reviews = Access(self.wire), Reviews(self.wire)
        self.policies, self.decisions = Policies(self.wire), Decisions(self.wire)
        self.tokens, self.servers, self.reports = Tokens(self.wire), Servers(self.wire), Reports(self.wire)

    @classmethod
    def at(cls, url: str, token: str, *, allow_http: bool = False, **more: Any) -> Self:
        """With an address and a token; `more` is ca_file, timeout (seconds) and retries."""
        return cls(Configuration(configuration.checked_url(url, allow_http=allow_http), token, **more))

    @classmethod
    def found(cls, **given: Any) -> Self:
        """As CARDINAL_URL, CARDINAL_TOKEN and so on say, or as `cardinal login` has stored."""
        return cls(configuration.found(**given))

    def __repr__(self) -> str:
        return f"Portal({self.url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self.wire.close()

    def me(self) -> answers.Me:
        """Who asks."""
        return read(answers.Me, self.wire.get("me/").data)
