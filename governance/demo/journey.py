"""The main job over HTTP, as the different accounts would do it in a browser without JavaScript.

    python -m governance.demo.journey        against SITE_URL, GATE_URL and MLFLOW_TRACKING_URI, seeded by script/demo

Prints what it saw, step by step; exits 0, or 1 naming the step that failed. It can be walked again and again: what
it approved last time it edits first.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from governance.demo.browser import Browser, Given, Page, Unexpected, path_of
from governance.demo.caller import Caller
from governance.demo.control import Control
from governance.demo.halting import Halting
from governance.demo.keys import SHOWN_ONCE, Keys
from governance.demo.pipeline import Pipeline
from governance.demo.proof import Proof
from governance.demo.tour import Tour

ADDRESSES = ("SITE_URL", "GATE_URL", "MLFLOW_TRACKING_URI")
ROLES = ("owner", "reviewer", "compliance", "auditor", "outsider", "admin")
VERSION = "/models/credit-scorer/versions/2/"
ASKED = "/models/credit-scorer/versions/2/invocations"
REVIEW = r"/reviews/\d+/"
DENIED, NOT_KNOWN = httpx.codes.FORBIDDEN, httpx.codes.UNAUTHORIZED


class Journey:
    """Who walks, where, and what they carry from step to step."""

    def __init__(self, site: str, gate: str, tracking: str, folder: Path) -> None:
        self.site, self.folder = site, folder
        self.gate = Caller(gate)
        self.people = {name: Browser(site, name) for name in ROLES}
        self.mark = f"{int(time.time()):x}"  # tells the traces of this walk from earlier ones
        self.tour = Tour(self.people, tracking, self.mark)
        self.pages: dict[str, str] = {}  # model -> where the page of its token is
        self.pipeline = Pipeline(self.people, site, self.mark)
        self.password = ""
        self.control = Control(self.people, self.gate, VERSION, ASKED, self.mark)
        self.proof = Proof(self.people, self.pages, VERSION, self.mark)
        self.keys = Keys(self.people, self.gate, site, self.pages, ASKED)
        self.halting = Halting(self.people, self.gate, self.pages, ASKED, self.mark)

    def steps(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """The steps in order, with their names."""
        yield "portal and gate are up", self.health
        yield "everybody logs in", self.log_in
        yield "who has no role sees nothing", self.outsider
        yield from self.tour.documents()
        yield "tokens are issued and shown once", self.issue
        yield "a second person countersigns what reaches a high-risk model", self.keys.countersign
        yield "the card of version 2 waits for its review", self.prepare
        yield "nobody approves what they wrote", self.own_card
        yield "the gate refuses version 2 before the approval", self.refused
        yield "a pipeline asks with the cardinal command and is stopped", self.pipeline.stopped
        yield "two people break the glass, and it is mended again", self.control.glass
        yield "whoever may judge is asked in their inbox", self.tour.asked
        yield "two other people sign, each with their password", self.approve
        yield "and nothing waits for them any more", self.tour.done
        yield "every condition of the clearance is met", self.cleared
        yield "the pipeline asks again and goes on", self.pipeline.goes_on
        yield "the gate refuses without a token and outside its scope", self.out_of_scope
        yield "the gate lets an allowed query through", self.allowed
        yield "the gate advises a proxy", self.check
        yield from self.halting.steps()
        yield from self.tour.aliases()
        yield "a rotated token and its successor both work for a while", self.keys.rotate
        yield "a revoked token ends within a second", self.revoke
        yield "whoever finds a token may end it", self.keys.leak
        yield "a policy is tried on past decisions before it is published", self.control.replayed
        yield "conditions deny by purpose, network and hours", self.control.conditions
        yield "the decisions are on record", self.proof.decisions
        yield "compliance orders a report and downloads it", self.proof.order
        yield "the auditor reads it all in the trail", self.proof.trail

    def health(self) -> str:
        """Four addresses answer."""
        for client in (httpx.Client(base_url=self.site, timeout=30), self.gate.client):
            for path in ("/healthz", "/readyz"):
                answer = client.get(path)
                if answer.status_code != httpx.codes.OK:
                    raise Unexpected(f"{answer.url} gave {answer.status_code}.")
        return "healthz and readyz of both"

    def log_in(self) -> str:
        """Six accounts, one password."""
        password = self.password = (self.folder / "password").read_text().strip()
        self.gate.example = json.loads((self.folder / "seeded.json").read_text())["examples"]["credit-scorer"]
        for browser in self.people.values():
            browser.log_in(password)
        return ", ".join(ROLES)

    def outsider(self) -> str:
        """What one may not see does not exist."""
        for path in ("/models/credit-scorer/", VERSION, f"{VERSION}card/"):
            self.people["outsider"].get(path, status=404)
        listed = self.people["outsider"].get("/models/")
        if "credit-scorer" in listed.text:
            raise Unexpected("The list of models names credit-scorer to the outsider.")
        return "404 for the model, its version and its card; not in the list"

    def issue(self) -> str:
        """Two tokens in the page; each secret is there once."""
        owner = self.people["owner"]
        for model in ("credit-scorer", "digit-reader"):
            name = f"Journey {self.mark} {model}"
            form = owner.get("/tokens/new/").form("/tokens/new/")
            given: Given = {"name": name, "models": [model], "actions": ["predict"], "days": "1"}
            shown = owner.send(form, given, status=201)
            found = SHOWN_ONCE.search(shown.html)
            if not found:
                raise Unexpected("The page that should show the token shows none.")
            path = _token_path(shown, owner.get("/tokens/"), name)
            for place in (path, "/tokens/"):
                if found[0] in owner.get(place).html:
                    raise Unexpected(f"{place} shows the secret again.")
            self.pages[model], self.gate.tokens[model] = path, found[0]
        return "for credit-scorer and for digit-reader; gone from the page after a reload"

    def prepare(self) -> str:
        """If an earlier walk had it approved: the owner saves another revision and submits it."""
        owner = self.people["owner"]
        owner.get(f"{VERSION}card/").shows("Foreseeable misuse")
        did = []
        if self.gate.ask(ASKED).status_code == httpx.codes.OK:
            form = owner.get(f"{VERSION}card/edit/").form("/card/edit/")
            before = dict(form.fields)["caveats.recommendations"].partition("\n\nRead again")[0]
            again = f"{before}\n\nRead again on walk {self.mark}: still true."
            saved = owner.send(form, {"caveats.recommendations": again, "note": f"Read again ({self.mark})"})
            did.append(f"saved {path_of(saved.url)}")
        if "card_in_review" not in self.gate.reasons(self.gate.ask(ASKED)):
            owner.send(owner.get(f"{VERSION}card/").form("/submit/"))
            did.append("submitted it")
        return "; ".join(did) or "submitted when the demo was seeded"

    def own_card(self) -> str:
        """Not in the page, and not past the page."""
        owner = self.people["owner"]
        path = path_of(owner.get(f"{VERSION}card/").link(REVIEW))
        page = owner.get(path)
        if any("approve" in form.buttons for form in page.forms):
            raise Unexpected("The page offers the author to approve.")
        digest = next(iter(re.findall(r"[0-9a-f]{64}", page.html)), "")
        said = owner.post(f"{path}judge/", DENIED, approve="1", digest=digest, comment="")
        reason = re.search(r"Your role does not allow this[^.]*\.|You (submitted|wrote)[^.]*\.", said.text)
        if not reason:
            raise Unexpected("The refusal does not say why.")
        return f"403: {reason[0]}"

    def refused(self) -> str:
        """A valid token is not enough."""
        return self.gate.refused(self.gate.ask(ASKED), DENIED, "not_cleared", "card_in_review")

    def approve(self) -> str:
        """High risk: a reviewer and somebody of compliance each sign with their password what stands there."""
        did = [
            self._sign("reviewer", "Signed. Others have to sign too."),
            self._sign("compliance", "Approved."),
        ]
        return "; ".join(did)

    def _sign(self, name: str, told: str) -> str:
        """One judge finds it in the inbox, ticks every point and signs the digest."""
        judge = self.people[name]
        for path in sorted({path_of(link) for link in judge.get("/reviews/").links}):
            if not re.fullmatch(REVIEW, path) or "credit-scorer v2" not in judge.get(path).text:
                continue
            page = judge.get(path)
            form = page.form("/judge/")
            digest = dict(form.fields)["digest"]
            given: Given = {
                "comment": f"Read in full on walk {self.mark}.",
                "checked": re.findall(r'name="checked" value="(\w+)"', page.html),
                "password": self.password,
            }
            judge.send(form, given, press="approve").shows(told, str(given["comment"]))
            return f"{name} signed {path} with the digest {digest[:12]}"
        raise Unexpected(f"The inbox of {name} holds no review of credit-scorer v2.")

    def cleared(self) -> str:
        """As the owner sees it."""
        page = self.people["owner"].get(VERSION).shows("Production: cleared")
        if "Not met" in page.text:
            raise Unexpected(f"{page.url} shows a condition that is not met.")
        met = len(re.findall(r"\bMet\b", page.text))
        if not met:
            raise Unexpected(f"{page.url} shows no condition at all.")
        return f"{met} times “Met”, never “Not met”, on {VERSION}"

    def out_of_scope(self) -> str:
        """Who asks, and what their token reaches."""
        without = self.gate.refused(self.gate.ask(ASKED, model=""), NOT_KNOWN, "token_missing")
        return f"{without}; {self.gate.refused(self.gate.ask(ASKED, model='digit-reader'), DENIED, 'scope_model')}"

    def allowed(self) -> str:
        """The answer comes from the model server."""
        answer = self.gate.ask(ASKED)
        if answer.status_code != httpx.codes.OK or not answer.json().get("predictions"):
            raise Unexpected(f"The gate answered {answer.status_code}: {answer.text[:300]}")
        return f"credit-scorer v2 predicts {json.dumps(answer.json()['predictions'])}"

    def check(self) -> str:
        """The same decision for a proxy that forwards by itself."""
        answer = self.gate.check(ASKED)
        if not answer.is_success:
            raise Unexpected(f"/check answered {answer.status_code}: {answer.text[:300]}")
        return f"/check answers {answer.status_code} for {ASKED}"

    def revoke(self) -> str:
        """In the page; the gate knows within a second."""
        owner = self.people["owner"]
        owner.send(owner.get(self.pages["credit-scorer"]).form("/revoke/"))
        return self.gate.refused(self.gate.ask(ASKED), NOT_KNOWN, "token_revoked")


def _token_path(shown: Page, listed: Page, name: str) -> str:
    """The page of the new token: linked where it was shown, else in the list, newest first."""
    listed.shows(name)
    for page in (shown, listed):
        for link in page.links:
            if re.fullmatch(r"/tokens/[0-9a-f-]{36}/", path_of(link)):
                return path_of(link)
    raise Unexpected("No page links to the new token.")


def main() -> int:
    """Walk; 0 when every step went as it should."""
    site, gate, tracking = (os.environ.get(name, "").rstrip("/") for name in ADDRESSES)
    folder = Path(os.environ.get("CARDINAL_VAR") or "var").absolute() / "demo"
    if not site or not gate or not tracking:
        sys.stderr.write(f"Set {', '.join(ADDRESSES)} to a demo that runs.\n")
        return 2
    journey = Journey(site, gate, tracking, folder)
    began = time.monotonic()
    name = ""
    try:
        for name, step in journey.steps():
            saw = step()
            print(f"{time.monotonic() - began:6.1f} s  ok  {name}: {saw}", flush=True)
    except (Unexpected, httpx.HTTPError, OSError, ValueError, KeyError) as error:
        print(f"{time.monotonic() - began:6.1f} s  FAILED  {name}: {error}", flush=True)
        return 1
    print("The main job was done from end to end.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
