"""What happens to the tokens of the walk: countersigned, rotated, found by somebody."""

from __future__ import annotations

import re
from collections.abc import Mapping

import httpx

from governance.demo.browser import Browser, Unexpected
from governance.demo.caller import Caller

DENIED, NOT_KNOWN = httpx.codes.FORBIDDEN, httpx.codes.UNAUTHORIZED
SHOWN_ONCE = re.compile(r"crd_[a-z][0-9A-Za-z]{49}")


class Keys:
    """The tokens of the walk; `pages` knows where the page of each is, by model."""

    def __init__(
        self, people: Mapping[str, Browser], gate: Caller, site: str, pages: Mapping[str, str], asked: str
    ) -> None:
        self.people, self.gate, self.site, self.pages, self.asked = people, gate, site, pages, asked

    def countersign(self) -> str:
        """Before, the gate refuses; the owner cannot do it alone."""
        told = self.gate.refused(self.gate.ask(self.asked), DENIED, "token_waiting")
        admin = self.people["admin"]
        page = admin.get(self.pages["credit-scorer"])
        admin.send(page.form("/countersign/"), {}, press="accept").shows("Countersigned")
        return f"{told} before; admin countersigned"

    def rotate(self) -> str:
        """In the page of the token; the new secret is there once."""
        owner = self.people["owner"]
        page = owner.get(self.pages["digit-reader"])
        shown = owner.send(page.form("/rotate/"), {"overlap": "1"}, status=201)
        found = SHOWN_ONCE.search(shown.html)
        if not found or found[0] == self.gate.tokens["digit-reader"]:
            raise Unexpected("The page shows no new token.")
        for name, text in (("old", self.gate.tokens["digit-reader"]), ("new", found[0])):
            self.gate.tokens[f"digit-reader, {name}"] = text
            self.gate.refused(self.gate.ask(self.asked, model=f"digit-reader, {name}"), DENIED, "scope_model")
        return "both are known to the gate, and reach what they reached"

    def leak(self) -> str:
        """Without an account, over the REST interface."""
        text = self.gate.tokens["digit-reader, new"]
        body = [{"token": text, "url": "https://code.example/x", "source": "commit"}]
        answer = httpx.post(f"{self.site}/api/v1/tokens/leaked/", json=body, timeout=30)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise Unexpected(f"{answer.url} gave {answer.status_code}: {answer.text[:300]}")
        return self.gate.refused(
            self.gate.ask(self.asked, model="digit-reader, new"), NOT_KNOWN, "token_revoked"
        )
