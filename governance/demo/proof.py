"""What is left of the walk: decisions on record, a report, and the trail."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping

from governance.demo.browser import Browser, Unexpected, path_of

REPORT_PATIENCE = 60.0


class Proof:
    """The same people as in the main job; `pages` knows where the page of each token is, by model."""

    def __init__(
        self, people: Mapping[str, Browser], pages: Mapping[str, str], version: str, mark: str
    ) -> None:
        self.people, self.pages, self.version, self.mark = people, pages, version, mark
        self.report = ""

    def decisions(self) -> str:
        """Allowed and refused ones, on the page of the version's decisions and of the token."""
        owner = self.people["owner"]
        owner.get("/decisions/").shows("credit-scorer")
        page = owner.get(self.pages["credit-scorer"])
        codes = [code for code in ("not_cleared", "allowed", "token_revoked") if code in page.html]
        linked = {path_of(link) for link in owner.get("/decisions/").links}
        one = next((path for path in sorted(linked) if re.fullmatch(r"/decisions/[0-9a-f-]{36}/", path)), "")
        if not one:
            raise Unexpected("/decisions/ links to no decision.")
        owner.get(one)
        return f"listed, each with a page of its own; the token's page tells {', '.join(codes) or 'its uses'}"

    def order(self) -> str:
        """Ordered in the page, rendered by the worker, the same bytes as the page says."""
        compliance = self.people["compliance"]
        page = compliance.send(compliance.get(self.version).form("/report/"))
        self.report = path_of(page.url)
        deadline = time.monotonic() + REPORT_PATIENCE
        seen: list[str] = []
        while not any(path_of(link) == f"{self.report}file/" for link in page.links):
            if time.monotonic() > deadline:
                raise Unexpected(f"{self.report} is not ready after {REPORT_PATIENCE:.0f} s.")
            if "Failed" in page.text or "could not be made" in page.text:
                raise Unexpected(f"{self.report} says that the report failed.")
            seen = list(dict.fromkeys([*seen, *re.findall(r"(\d+)\s?%", page.text)]))
            time.sleep(0.5)
            page = compliance.get(self.report)
        answer = compliance.client.get(f"{self.report}file/")
        digest = hashlib.sha256(answer.content).hexdigest()
        if not answer.content.startswith(b"%PDF"):
            raise Unexpected(f"{answer.url} is no PDF.")
        if digest not in page.html:
            raise Unexpected(f"The page does not show the SHA-256 of the file, {digest}.")
        return f"{len(answer.content):,} bytes of PDF, SHA-256 {digest[:12]} as on the page{_progress(seen)}"

    def trail(self) -> str:
        """Each step of this walk, in sentences."""
        auditor = self.people["auditor"]
        wanted = [
            f"Journey {self.mark} credit-scorer",
            f"Read in full on walk {self.mark}",
            "revoked the token",
            "a change outside control",
            "thereby cleared credit-scorer v2 for production",
            "was refused judge review",
            "downloaded the",
        ]
        page, text = auditor.get("/trail/"), ""
        for _ in range(8):
            text += page.text
            older = [link for link in page.links if "after=" in link]
            if all(words in text for words in wanted) or not older:
                break
            page = auditor.get(older[-1])
        missing = [words for words in wanted if words not in text]
        if missing:
            raise Unexpected(f"The trail does not tell: {'; '.join(missing)}.")
        return "issued, refused, approved, cleared, moved outside control, revoked, downloaded"


def _progress(seen: list[str]) -> str:
    return f"; saw {', '.join(seen[:6])} % on the way" if seen else ""
