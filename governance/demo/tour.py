"""The registry over HTTP: files in and out, two people in one text, search, lineage, and aliases moved here and outside.

Each walk leaves what it found: it appends a revision and an import, and puts the alias back where it was.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from governance.demo import FILTER, README, SKETCHED
from governance.demo.browser import Browser, Page, Unexpected, path_of

MODEL = "credit-scorer"
FIRST, SECOND = f"/models/{MODEL}/versions/1/", f"/models/{MODEL}/versions/2/"
CARD = f"Model card of {MODEL} v2"
LEDGER, ALIAS = f"/models/{MODEL}/ledger/", "champion"
SHEET = f"/datasets/{SKETCHED}/datasheet/edit/"
PURPOSE, INSTANCES = "motivation.mot_purpose", "composition.com_instances"
WORDS = "keeping the one that suits"  # from the card of version 2, in no name and in no tag
OUTSIDE, HERE = "Outside control Webhook", "Moved here by owner"
PATIENCE = 45.0
Steps = Iterator[tuple[str, Callable[[], str]]]


class Tour:
    """The same people as in the main job; `tracking` is the tracking server, which anybody on this machine may change."""

    def __init__(self, people: Mapping[str, Browser], tracking: str, mark: str) -> None:
        self.people, self.mark = people, mark
        self.tracking = httpx.Client(base_url=f"{tracking}/api/2.0/mlflow", timeout=30)
        self.bom = b""

    def documents(self) -> Steps:
        """Before anything is approved."""
        yield "a supplier's README was taken, every value accounted for", self.taken
        yield "the card leaves in the words of others", self.export
        yield "what left comes back, every value accounted for", self.take
        yield "two saves on one revision lose nothing", self.conflict
        yield "the model is found by words of its card", self.search
        yield "compliance filters, keeps the filter, takes the table away", self.filtered
        yield "lineage tells what a version came from", self.lineage
        yield "and what is affected when the data are flawed", self.affected
        yield "a version has its bill of materials", self.materials
        yield "people talk about a field beside the field", self.talk

    def talk(self) -> str:
        """A comment by the reviewer, an answer that settles it by the owner. The auditor reads it and cannot join in."""
        card, about = f"{SECOND}card/", "about=intended_use.misuse"
        reviewer, owner = self.people["reviewer"], self.people["owner"]
        here = [link for link in reviewer.get(card).links if about in link]
        if not here or any(about in link for link in self.people["auditor"].get(card).links):
            raise Unexpected(f"{card} lets the wrong people comment.")
        asked, answered = (f"{word} ({self.mark})." for word in ("Who would notice", "The loan officer"))
        page = reviewer.send(reviewer.get(here[0]).form("/comment/"), {"text": asked}).shows(asked)
        places = [re.search(r"/threads/(\d+)/answer/$", form.action) for form in page.forms]
        newest = max(int(place[1]) for place in places if place)
        form = owner.get(card).form(f"/threads/{newest}/answer/")
        owner.send(form, {"text": answered}, press="then").shows("Resolved by owner", answered)
        return f"thread {newest} on “Foreseeable misuse” of version 2: asked, answered and resolved"

    def aliases(self) -> Steps:
        """While the worker runs."""
        yield "an alias moved in MLflow is seen as outside control", self.outside
        yield "an alias moved here is written to MLflow", self.here

    def asked(self) -> str:
        """Before the review is judged: it waits for those who may, and not for whoever wrote it."""
        for judge in ("reviewer", "compliance"):
            self.people[judge].get("/inbox/").shows(CARD)
        if any(one["what"] == "Judge" for one in self._tasks("owner")):
            raise Unexpected("The inbox asks the author to judge.")
        return "of reviewer and of compliance, and not of its author"

    def done(self) -> str:
        """After it: their inboxes ask no more, and the author is told."""
        for judge in ("reviewer", "compliance"):
            if any(one["name"] == CARD for one in self._tasks(judge)):
                raise Unexpected(f"{judge} is still asked for what is judged.")
        self.people["owner"].get("/inbox/?show=all").shows("A review is approved")
        return "the author is told that it is approved"

    def _tasks(self, who: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.people[who].fetch("/api/v1/inbox/"))["tasks"]
        return found

    def taken(self) -> str:
        """Taken when the demo was seeded; whoever tries the demo may have used it since."""
        owner = self.people["owner"]
        listed = owner.get(f"/imports/?q={README}").shows(README)
        for path in dict.fromkeys(path_of(link) for link in listed.links):
            if re.fullmatch(r"/imports/\d+/", path) and README in owner.get(path).text:
                return _account(owner, path)
        raise Unexpected("No import is the README of the supplier.")

    def export(self) -> str:
        """Three formats, each by its own marks."""
        owner = self.people["owner"]
        self.bom = owner.fetch(f"{SECOND}export/cyclonedx-1.7/")
        made, prov = json.loads(self.bom), json.loads(owner.fetch(f"{SECOND}export/prov/"))
        sheet = path_of(owner.get(f"{SECOND}bom/").link(r"/datasets/[\w-]+training/"))
        data = json.loads(owner.fetch(f"{sheet}export/croissant-1.1/"))
        card = made["metadata"]["component"].get("modelCard") or {}
        if made["specVersion"] != "1.7" or not card.get("considerations"):
            raise Unexpected("The CycloneDX file holds no model card of specification 1.7.")
        if not prov.get("wasGeneratedBy") or "Dataset" not in str(data.get("@type")):
            raise Unexpected("PROV-JSON tells of no generation, or Croissant of no dataset.")
        return (
            f"CycloneDX {made['specVersion']} ({len(self.bom):,} bytes), PROV-JSON "
            f"({len(prov['entity'])} entities, {len(prov.get('used', {}))} used), Croissant of {data['name']}"
        )

    def take(self) -> str:
        """Read again, and left to wait."""
        owner = self.people["owner"]
        file = {"file": (f"{MODEL}-2-{self.mark}.cdx.json", self.bom, "application/json")}
        page = owner.send(owner.get("/imports/new/").form("/imports/new/"), files=file)
        return _account(owner, path_of(page.shows("Mapped", "Kept unmapped", "Dropped").url))

    def conflict(self) -> str:
        """Two windows of one editor. The later save gets both texts, chooses both, and saves on top."""
        owner = self.people["owner"]
        first, second = self._editor(), self._editor()
        mine, theirs = (f"To try it out, says {who} ({self.mark})." for who in ("Mira", "Theo"))
        number = dict(first.fields)["on_top_of"]
        owner.send(first, {PURPOSE: theirs, "note": f"Walk {self.mark}"}).shows(theirs)
        given = {PURPOSE: mine, INSTANCES: f"One customer each ({self.mark})."}
        clash = owner.send(second, given, status=409)
        clash.shows("Somebody saved before you", "Both of you changed 1 field", "Theo", "Mira")
        form = clash.form("/datasheet/edit/")
        if dict(form.fields)[PURPOSE] != mine:
            raise Unexpected("The box does not hold what the later person typed.")
        settled = owner.send(form, {f"settle-{PURPOSE}": "both"}).shows("As you chose")
        marks = re.search(r"(\d+) fields? holds? a value that nobody has accepted", settled.text)
        saved = owner.send(settled.form("/datasheet/edit/")).shows(mine, theirs, *given.values())
        return (
            f"409 on revision {number} with both texts side by side; “both” chosen, all three values in "
            f"{path_of(saved.url)}, and {marks[1] if marks else 'no'} proposals of an import are still marked"
        )

    def search(self) -> str:
        """By the owner, and in vain by who may not see it."""
        page = self.people["owner"].get(f"/search/?q={WORDS}").shows(MODEL)
        if MODEL in self.people["outsider"].get(f"/search/?q={WORDS}").text:
            raise Unexpected("The outsider finds a model that is not shared with them.")
        count = re.search(r"(\d+) found", page.text)
        return f"“{WORDS}”: {count[1] if count else '?'} found, for the outsider none"

    def filtered(self) -> str:
        """The filter that was saved when the demo was seeded, and a wider one as a table."""
        compliance = self.people["compliance"]
        page = compliance.get("/models/?risk=high").shows(MODEL, FILTER)
        rows = list(csv.reader(io.StringIO(compliance.fetch("/models.csv?risk=high").decode("utf-8-sig"))))
        names = [row[0] for row in rows[1:]]
        if MODEL not in names or f"{len(names)} models" not in page.text:
            raise Unexpected(f"The table holds {names}, the page says something else.")
        kept = next(link for link in page.links if "state=not-cleared" in link and "risk=high" in link)
        now = re.search(r"(\d+) models?\b", compliance.get(kept).text)
        return f"CSV with {', '.join(names)}; “{FILTER}” holds {now[1] if now else '?'} now"

    def lineage(self) -> str:
        """From the pipeline's first file to the system."""
        page = self.people["owner"].get(f"{FIRST}lineage/")
        page.shows("generate", "evaluate", "data/training.parquet", "synthetic-applicants-training")
        page.shows("Consumer credit decisions")
        kinds = ("Run", "Dataset snapshot", "Environment", "System")
        page.shows(*kinds)
        return f"{', '.join(kind.lower() for kind in kinds)}, and four stages of a dvc.lock, drawn and as a table"

    def affected(self) -> str:
        """By the data, and by a package."""
        compliance = self.people["compliance"]
        here = compliance.get(f"{FIRST}bom/").link(r"/datasets/[\w-]+training/lineage/")
        compliance.get(here).shows("Cleared for production", f"{MODEL} v1", "Consumer credit decisions")
        page = compliance.get("/lineage/affected/?package=scikit-learn").shows(f"{MODEL} v1")
        said = re.search(r"\d+ versions? that you may see contains?,?[^.]*", page.text)
        return (
            f"{MODEL} v1 learned from the data and is cleared for production; {said[0] if said else page.url}"
        )

    def materials(self) -> str:
        """The page, and the same as a table."""
        owner = self.people["owner"]
        owner.get(f"{SECOND}bom/").shows("MLmodel", "scikit-learn", "Code commit")
        rows = list(csv.reader(io.StringIO(owner.fetch(f"{SECOND}bom.csv").decode("utf-8-sig"))))
        kinds = Counter(row[0] for row in rows[1:])
        return f"{len(rows) - 1} rows of CSV: " + ", ".join(f"{kind} {n}" for kind, n in kinds.most_common())

    def outside(self) -> str:
        """Somebody uses MLflow's own interface; its webhook tells the portal."""
        before, number = self._rows(OUTSIDE), self._holder()
        other = 2 if number == 1 else 1
        answer = self.tracking.post(
            "/registered-models/alias", json={"name": MODEL, "alias": ALIAS, "version": str(other)}
        )
        answer.raise_for_status()
        took = self._until(OUTSIDE, before)
        return (
            f"{ALIAS} from version {number} to {other}; “outside control” by the webhook after {took:.1f} s"
        )

    def here(self) -> str:
        """The owner puts it back in the portal; the worker writes it."""
        owner, before, number = self.people["owner"], self._rows(HERE), self._holder()
        form = owner.get(LEDGER).form("/aliases/")
        owner.send(form, {"name": ALIAS, "version": str(2 if number == 1 else 1)})
        took = self._until(HERE, before)
        if self._holder() == number:
            raise Unexpected("The ledger says that the alias was moved, and MLflow says that it was not.")
        return (
            f"{ALIAS} is back at version {self._holder()} in MLflow, “moved here by owner” after {took:.1f} s"
        )

    def _editor(self) -> Any:
        """The editor of a datasheet in a new window; a draft that a broken walk left is discarded."""
        owner = self.people["owner"]
        page = owner.get(SHEET)
        draft = [form for form in page.forms if "discard" in form.buttons]
        page = owner.send(draft[0], press="discard") if draft else page
        return page.form("/datasheet/edit/")

    def _holder(self) -> int:
        asked = {"name": MODEL, "alias": ALIAS}
        answer = self.tracking.get("/registered-models/alias", params=asked).raise_for_status()
        return int(answer.json()["model_version"]["version"])

    def _ledger(self) -> Page:
        return self.people["owner"].get(f"{LEDGER}?what=alias&name={ALIAS}")

    def _rows(self, words: str) -> int:
        return self._ledger().text.count(words)

    def _until(self, words: str, before: int) -> float:
        """Seconds until the ledger tells one more of these."""
        began = time.monotonic()
        while self._rows(words) <= before:
            if time.monotonic() - began > PATIENCE:
                raise Unexpected(f"{LEDGER} does not tell “{words}” after {PATIENCE:.0f} s.")
            time.sleep(0.25)
        return time.monotonic() - began


def _account(owner: Browser, path: str) -> str:
    """What became of the values of an import, by the report and on its page."""
    report = json.loads(owner.fetch(f"{path}report.json"))["report"]
    outcomes = Counter(leaf["outcome"] for leaf in report)
    owner.get(path).shows("Mapped", "Kept unmapped", "Dropped")
    if not outcomes["mapped"]:
        raise Unexpected(f"{path} maps nothing.")
    return f"{path} mapped {outcomes['mapped']}, kept {outcomes['kept']}, dropped {outcomes['dropped']}"
