"""What holds access together: the emergency exit for two people, conditions that deny, and a policy tried before it holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from governance.demo.browser import Browser, Unexpected
from governance.demo.caller import Caller

EDIT = "/policies/credit-scorer/production/edit/?view=json"
MODEL = "digit-reader"  # whose policy has conditions, see access.py
OUTSIDE = {"network": "192.0.2.7", "purpose": "gossip", "at": "2026-11-22T10:00:00Z"}  # a Sunday
CONDITIONS = {"policy_network", "policy_purpose", "policy_hours"}


class Control:
    """The same people as in the main job; `version` is the page of the version that `asked` asks for."""

    def __init__(
        self, people: Mapping[str, Browser], gate: Caller, version: str, asked: str, mark: str
    ) -> None:
        self.people, self.gate, self.version, self.asked, self.mark = people, gate, version, asked, mark

    def glass(self) -> str:
        """The owner asks, an administrator grants; while it is broken the gate lets the query through, and tells."""
        owner, admin = self.people["owner"], self.people["admin"]
        given = {
            "environment": "production",
            "minutes": "10",
            "reason": f"Loans stand still, walk {self.mark}.",
        }
        page = owner.send(owner.get(self.version).form("/break-glass/"), given)
        if any(re.search(r"/break-glass/\d+/grant/", form.action) for form in page.forms):
            raise Unexpected("Whoever asks to break the glass may grant it as well.")
        admin.send(admin.get(self.version).form("/grant/"), {}).shows("The glass is broken")
        answer = self.gate.ask(self.asked)
        if answer.status_code != httpx.codes.OK:
            raise Unexpected(
                f"The glass is broken, and the gate answers {answer.status_code}: {answer.text[:200]}"
            )
        admin.send(admin.get(self.version).form("/end/"), {})
        after = self.gate.refused(self.gate.ask(self.asked), httpx.codes.FORBIDDEN, "not_cleared")
        told = self.people["auditor"].get("/trail/").text
        if f"walk {self.mark}" not in told:
            raise Unexpected("The trail does not tell of the broken glass.")
        return f"asked by owner, granted by admin: 200 while it was broken, {after} once it was ended"

    def conditions(self) -> str:
        """Why a reviewer may ask from here, on a weekday, for what the card is for, and not otherwise."""
        inside = {"network": "127.0.0.1", "at": "2026-11-23T10:00:00Z"}  # a Monday
        purpose = self._purpose()
        kept = self._unmet(inside | ({"purpose": purpose} if purpose else {}))
        lost = self._unmet(OUTSIDE)
        wanted = CONDITIONS if purpose else CONDITIONS - {"policy_purpose"}
        if kept or not wanted <= lost:
            raise Unexpected(f"Inside do not hold: {sorted(kept)}; outside do not hold: {sorted(lost)}.")
        return f"from elsewhere, on a Sunday, for gossip: {', '.join(sorted(lost))}; inside all hold"

    def replayed(self) -> str:
        """A draft that would lock the owners out says so before it is published; then a harmless one is."""
        owner = self.people["owner"]
        form = owner.get(EDIT).form("/edit/")
        held = json.loads(dict(form.fields)["json"])
        locked = held | {
            "rules": [*held["rules"], {"effect": "deny", "subjects": ["group:owner"], "actions": ["predict"]}]
        }
        tried = owner.send(form, {"json": json.dumps(locked | {"tests": []})}, press="try")
        flips = re.search(r"(\d+) would be denied", tried.text)
        if not flips or flips[1] == "0":
            raise Unexpected(f"{tried.url} does not say which decisions would flip.")
        owner.send(owner.get(EDIT).form("/edit/"), {}, press="discard")
        case = {"name": f"An owner gets in ({self.mark})", "who": "user:owner", "groups": ["owner"],
                "action": "predict", "at": "2026-11-23T10:00:00+00:00", "expect": "allow"}  # fmt: skip
        published = owner.send(
            owner.get(EDIT).form("/edit/"), {"json": json.dumps(held | {"tests": [case]})}, press="publish"
        )
        number = re.search(r"Version (\d+) is in force", published.text)
        if not number:
            raise Unexpected(f"{published.url} does not say that the policy is in force.")
        return f"the draft would have denied {flips[1]} decisions that were allowed; version {number[1]} is in force"

    def _purpose(self) -> str:
        """The purpose that the rule for reviewers names; none where no card was approved when it was written."""
        rules = self._told("policies/digit-reader/production/")["rules"]
        return next((rule["purposes"][0] for rule in rules if rule.get("purposes")), "")

    def _unmet(self, given: Mapping[str, str]) -> set[str]:
        """The conditions that do not hold, of the rule that names a reviewer who asks for an explanation."""
        asked = {"caller": "reviewer", "model": MODEL, "action": "explain", "version": "1", **given}
        rules = self._told(f"access/why/?{urlencode(asked)}")["rules"]
        checks = [
            check
            for rule in rules
            if rule["names_caller"] and rule["names_action"]
            for check in rule["conditions"]
        ]
        if not checks:
            raise Unexpected("No rule with conditions names the reviewer.")
        return {check["code"] for check in checks if not check["holds"]}

    def _told(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.people["compliance"].fetch(f"/api/v1/{path}"))
        return found
