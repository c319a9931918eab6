"""The kill switch, seen from outside: an allowed query is stopped, refused, and allowed again once the stop is lifted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping

import httpx

from governance.demo.browser import Browser, Unexpected
from governance.demo.caller import Caller

MODEL = "/models/credit-scorer/"
FRESH = 1.0  # seconds within which every gate has to know
Steps = Iterator[tuple[str, Callable[[], str]]]


class Halting:
    """The same people as in the main job; `asked` is a query that is allowed with the token of credit-scorer."""

    def __init__(
        self, people: Mapping[str, Browser], gate: Caller, pages: Mapping[str, str], asked: str, mark: str
    ) -> None:
        self.people, self.gate, self.pages, self.asked, self.mark = people, gate, pages, asked, mark

    def steps(self) -> Steps:
        """While the query is allowed."""
        yield "the queries to a model are stopped at once, and pass again", self.model
        yield "those with one token are stopped by its owner, and pass again", self.token
        yield "everything is stopped, and every page says so", self.everything

    def model(self) -> str:
        """Compliance stops it; its owner cannot set it going again."""
        compliance, owner = self.people["compliance"], self.people["owner"]
        self._send("compliance", MODEL, "/stop/")
        told = self._refused("stopped_model")
        page = owner.get(MODEL).shows("Queries are stopped", self.mark)
        if any(form.action.endswith("/lift/") for form in page.forms):
            raise Unexpected("The owner may lift what compliance has stopped.")
        return f"{told}; {self._lifted(compliance, MODEL)}"

    def token(self) -> str:
        """Its owner stops it, and lifts it."""
        page = self.pages["credit-scorer"]
        self._send("owner", page, "/stop/")
        return f"{self._refused('stopped_token')}; {self._lifted(self.people['owner'], page)}"

    def everything(self) -> str:
        """An administrator stops all; the outsider, who sees no model, is told as well."""
        self._send("admin", "/stops/", "/stops/all/")
        told = self._refused("stopped_all")
        self.people["outsider"].get("/").shows("All queries are stopped", self.mark)
        return f"{told}; {self._lifted(self.people['admin'], '/stops/')}"

    def _send(self, who: str, page: str, action: str) -> None:
        if self.gate.ask(self.asked).status_code != httpx.codes.OK:
            raise Unexpected("The query is refused before anything is stopped.")
        browser = self.people[who]
        browser.send(browser.get(page).form(action), {"reason": f"A drill, walk {self.mark}."})

    def _refused(self, journalled: str) -> str:
        began = time.monotonic()
        while (answer := self.gate.ask(self.asked)).status_code == httpx.codes.OK:
            if time.monotonic() - began > FRESH:
                raise Unexpected("A second after it was stopped the gate still lets the query through.")
        told = self.gate.refused(answer, httpx.codes.FORBIDDEN, "stopped")
        rows = json.loads(self.people["auditor"].fetch(f"/api/v1/decisions/?reason={journalled}"))["results"]
        if answer.json()["decision"] not in [one["id"] for one in rows]:
            raise Unexpected(f"No decision on record says {journalled}.")
        return f"{told}, on record as {journalled}"

    def _lifted(self, browser: Browser, page: str) -> str:
        browser.send(browser.get(page).form("/lift/"), {"reason": f"The drill is over, walk {self.mark}."})
        began = time.monotonic()
        while (answer := self.gate.ask(self.asked)).status_code != httpx.codes.OK:
            if time.monotonic() - began > FRESH:
                raise Unexpected(f"Lifted, and the gate answers {answer.status_code}: {answer.text[:200]}")
        return f"{int(answer.status_code)} once it was lifted"
