"""A pipeline that asks with the `cardinal` command, as it would before a deployment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from governance.demo.browser import Browser, Given, Unexpected
from governance.demo.keys import SHOWN_ONCE

ASKED = "credit-scorer/2"
PATIENCE = 60  # seconds


class Pipeline:
    """The owner's pipeline; its token reads in the portal and does nothing else."""

    def __init__(self, people: Mapping[str, Browser], site: str, mark: str) -> None:
        self.people, self.site, self.mark = people, site, mark
        self.token = ""

    def stopped(self) -> str:
        """Before the approval: exit code 1, and every reason."""
        owner = self.people["owner"]
        given: Given = {
            "name": f"Journey {self.mark} pipeline",
            "actions": [],
            "portal": ["read"],
            "days": "1",
        }
        shown = owner.send(owner.get("/tokens/new/").form("/tokens/new/"), given, status=201)
        found = SHOWN_ONCE.search(shown.html)
        if not found:
            raise Unexpected("The page that should show the token shows none.")
        self.token = found[0]
        told = self._check(1)
        codes = [reason["code"] for reason in told["reasons"]]
        if told["cleared"] or "card_in_review" not in codes:
            raise Unexpected(f"cardinal check gave other reasons: {', '.join(codes)}.")
        return f"cardinal check {ASKED} exits 1: {told['reasons'][0]['sentence']} ({', '.join(codes)})"

    def goes_on(self) -> str:
        """After it: exit code 0, and the access policy lets the owner predict."""
        told = self._check(0, "--action", "predict")
        if not told["cleared"] or not told["access"]["allowed"]:
            raise Unexpected("cardinal check exits 0 and says something else.")
        return f"cardinal check {ASKED} --action predict exits 0: {told['access']['sentence']}"

    def _check(self, code: int, *more: str) -> Any:
        command = [sys.executable, "-m", "governance.client", "check", ASKED, "--json", *more]
        asked = os.environ | {"CARDINAL_URL": self.site, "CARDINAL_TOKEN": self.token}
        ran = subprocess.run(  # noqa: S603 - our own words
            command, env=asked, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if ran.returncode != code or self.token in ran.stdout + ran.stderr:
            raise Unexpected(f"cardinal check exits {ran.returncode}, not {code}: {ran.stderr[:300]}")
        return json.loads(ran.stdout)
