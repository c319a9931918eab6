"""The editor of policies: one form a rule, one a test case. They check nothing that the policy itself checks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django import forms
from django.forms import BaseFormSet, formset_factory

from governance.policies import ACTION_WORDS, ACTIONS, DAYS, SCHEMA

MOMENT = partial(forms.DateTimeInput, attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
LINES = partial(forms.Textarea, attrs={"rows": 2, "spellcheck": "false"})
MOST = 200
ACTION_CHOICES = [(name, ACTION_WORDS[name]) for name in ACTIONS]
SPAN = re.compile(
    r"(?P<days>[a-z, -]+?)\s+(?P<from>\d\d:\d\d)\s*(?:-|–|to)\s*(?P<to>\d\d:\d\d)\s+(?P<zone>\S+)\s*\Z"
)


class RuleForm(forms.Form):
    """One rule. A rule that names nobody is none."""

    effect = forms.ChoiceField(choices=[("allow", "Allow"), ("deny", "Deny")], required=False)
    subjects = forms.CharField(
        required=False, label="Who", max_length=20_000, widget=LINES(),
        help_text="One a line: user:NAME is a person or a program, service:NAME only a program, group:NAME everybody with a role or in a team.",
    )  # fmt: skip
    actions = forms.MultipleChoiceField(
        choices=ACTION_CHOICES, required=False, initial=["predict"], widget=forms.CheckboxSelectMultiple
    )
    purposes = forms.MultipleChoiceField(
        required=False, label="For these purposes only", widget=forms.CheckboxSelectMultiple,
        help_text="Intended uses of the approved cards.",
    )  # fmt: skip
    networks = forms.CharField(
        required=False, label="From these networks only", max_length=10_000, widget=LINES(),
        help_text="One a line, such as 10.0.0.0/8.",
    )  # fmt: skip
    hours = forms.CharField(
        required=False, label="At these hours only", max_length=10_000, widget=LINES(),
        help_text="One a line, such as mon-fri 08:00-18:00 Europe/Berlin. Over midnight works.",
    )  # fmt: skip
    valid_from = forms.DateTimeField(required=False, label="From (UTC)", widget=MOMENT())
    valid_until = forms.DateTimeField(required=False, label="Until (UTC)", widget=MOMENT())
    rate_limit = forms.IntegerField(required=False, label="At most so often", min_value=1)
    rate_per = forms.ChoiceField(
        choices=[(one, f"a {one}") for one in ("second", "minute", "hour")], required=False, label="Rate per"
    )
    quota_limit = forms.IntegerField(required=False, label="Quota", min_value=1)
    quota_per = forms.ChoiceField(
        choices=[(one, f"a {one}") for one in ("day", "month")], required=False, label="Quota per"
    )
    quota_zone = forms.CharField(required=False, max_length=64, initial="UTC", label="Time zone of the quota")
    max_payload_bytes = forms.IntegerField(required=False, label="Largest body (bytes)", min_value=1)

    def __init__(self, *args: Any, purposes: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = self.initial.get("purposes") or []
        lost = [(name, name) for name in held if name not in dict(purposes)]
        self.fields["purposes"].choices = [*purposes, *lost]  # type: ignore[attr-defined]

    @property
    def has_conditions(self) -> bool:
        """Whether it says more than who may do what: that part of the row then stands open."""
        plain = {"effect", "subjects", "actions", "rate_per", "quota_per", "quota_zone"}
        return any(self[name].value() for name in self.fields if name not in plain)

    def rule(self) -> dict[str, Any] | None:
        """The rule, or None when it names nobody."""
        data = self.cleaned_data
        subjects = lines(data.get("subjects", ""))
        if not subjects:
            return None
        rule: dict[str, Any] = {
            "effect": data["effect"] or "allow",
            "subjects": subjects,
            "actions": data["actions"],
        }
        if data["purposes"]:
            rule["purposes"] = data["purposes"]
        if networks := lines(data["networks"]):
            rule["networks"] = networks
        if hours := lines(data["hours"], also_commas=False):
            rule["hours"] = [_span(line) for line in hours]
        for name in ("valid_from", "valid_until"):
            if data.get(name):
                rule[name] = data[name].isoformat()
        if data["rate_limit"]:
            rule["rate"] = {"limit": data["rate_limit"], "per": data["rate_per"] or "second"}
        if data["quota_limit"]:
            rule["quota"] = {
                "limit": data["quota_limit"],
                "per": data["quota_per"] or "day",
                "zone": data["quota_zone"] or "UTC",
            }
        if data["max_payload_bytes"]:
            rule["max_payload_bytes"] = data["max_payload_bytes"]
        return rule

    @staticmethod
    def start(rule: Any) -> dict[str, Any]:
        """What the form shows for a rule; what it cannot show is left out."""
        rate, quota = rule.get("rate") or {}, rule.get("quota") or {}
        return {
            "effect": rule.get("effect"),
            "subjects": "\n".join(rule.get("subjects", [])),
            "actions": rule.get("actions", []),
            "purposes": rule.get("purposes", []),
            "networks": "\n".join(rule.get("networks", [])),
            "hours": "\n".join(_said(span) for span in rule.get("hours", [])),
            "valid_from": _utc(rule.get("valid_from")),
            "valid_until": _utc(rule.get("valid_until")),
            "rate_limit": rate.get("limit"),
            "rate_per": rate.get("per"),
            "quota_limit": quota.get("limit"),
            "quota_per": quota.get("per"),
            "quota_zone": quota.get("zone", "UTC"),
            "max_payload_bytes": rule.get("max_payload_bytes"),
        }


class TrialForm(forms.Form):
    """One test case. A case without a name is none."""

    name = forms.CharField(required=False, max_length=120, label="What is tried")
    who = forms.CharField(required=False, max_length=160, help_text="user:NAME or service:NAME")
    groups = forms.CharField(
        required=False, max_length=5000, label="In the groups", help_text="Separated by commas."
    )
    action = forms.ChoiceField(choices=ACTION_CHOICES, required=False)
    at = forms.DateTimeField(required=False, label="At (UTC)", widget=MOMENT())
    network = forms.CharField(required=False, max_length=45, label="From the address")
    purpose = forms.CharField(required=False, max_length=80)
    payload_bytes = forms.IntegerField(required=False, min_value=0, label="Body (bytes)")
    expect = forms.ChoiceField(choices=[("allow", "Allowed"), ("deny", "Denied")], required=False)
    code = forms.CharField(
        required=False, max_length=40, label="Reason code", help_text="Such as policy_network."
    )

    def trial(self) -> dict[str, Any] | None:
        """The test case, or None when it has no name."""
        data = self.cleaned_data
        if not data.get("name"):
            return None
        found = {name: data[name] for name in ("name", "who", "action", "expect")}
        found["at"] = data["at"].isoformat() if data.get("at") else ""
        if groups := lines(data["groups"]):
            found["groups"] = groups
        found |= {name: data[name] for name in ("network", "purpose", "code") if data[name]}
        if data["payload_bytes"] is not None:
            found["payload_bytes"] = data["payload_bytes"]
        return found

    @staticmethod
    def start(test: Any) -> dict[str, Any]:
        """What the form shows for a test case."""
        return {**test, "groups": ", ".join(test.get("groups", [])), "at": _utc(test.get("at"))}


class WholeForm(forms.Form):
    """The policy as JSON, for those who would rather write it."""

    json = forms.CharField(
        label="The policy as JSON",
        max_length=400_000,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "mono"}),
    )

    def clean_json(self) -> dict[str, Any]:
        """An object, or what is wrong with it."""
        try:
            found = json.loads(self.cleaned_data["json"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error
        if not isinstance(found, dict):
            raise forms.ValidationError('A policy is an object with "schema" and "rules".')
        return found


def rule_forms(data: Any, content: dict[str, Any], purposes: list[tuple[str, str]]) -> BaseFormSet[RuleForm]:
    """One form a rule of `content`, and an empty one."""
    kind = formset_factory(RuleForm, extra=1, max_num=MOST, absolute_max=MOST + 1)
    start = [RuleForm.start(rule) for rule in content.get("rules", [])]
    return kind(data, initial=start, prefix="rules", form_kwargs={"purposes": purposes})


def trial_forms(data: Any, content: dict[str, Any]) -> BaseFormSet[TrialForm]:
    """One form a test case of `content`, and an empty one."""
    kind = formset_factory(TrialForm, extra=1, max_num=MOST, absolute_max=MOST + 1)
    return kind(data, initial=[TrialForm.start(test) for test in content.get("tests", [])], prefix="tests")


def content_of(rules: BaseFormSet[RuleForm], tests: BaseFormSet[TrialForm]) -> dict[str, Any]:
    """What was typed, as a policy."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "rules": [rule for form in rules if (rule := form.rule())],
    }
    if found := [trial for form in tests if (trial := form.trial())]:
        content["tests"] = found
    return content


def fits(content: dict[str, Any]) -> bool:
    """Whether the forms hold all of it, so that nothing is lost when they are saved."""
    try:
        rules, tests = content["rules"], content.get("tests", [])
        named = [(name, name) for rule in rules for name in rule.get("purposes", [])]
        forms_ = [RuleForm(RuleForm.start(rule), purposes=named) for rule in rules]
        cases = [TrialForm(TrialForm.start(test)) for test in tests]
        return (
            set(content) <= {"schema", "rules", "tests"}
            and all(form.is_valid() for form in [*forms_, *cases])
            and [form.rule() for form in forms_] == rules
            and [case.trial() for case in cases] == tests
        )
    except (AttributeError, TypeError, KeyError, ValueError, OverflowError):
        return False


def lines(text: str, *, also_commas: bool = True) -> list[str]:
    """The lines of `text` that say something."""
    parts = re.split(r"[\n,]" if also_commas else r"\n", text)
    return [part.strip() for part in parts if part.strip()]


def _span(line: str) -> dict[str, Any]:
    """A line of hours; one that cannot be read is handed on as it is, for the policy to name."""
    found = SPAN.match(line.strip().lower() if len(line) < 200 else "")
    if not found:
        return {"days": [line[:80]], "from": "", "to": "", "zone": ""}
    zone = line.strip().split()[-1]
    days: list[str] = []
    for part in found["days"].replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if dash and first in DAYS and last in DAYS:
            start, end = DAYS.index(first), DAYS.index(last)
            days += [DAYS[n % 7] for n in range(start, end + 1 if end >= start else end + 8)]
        else:
            days.append(part)
    return {"days": days, "from": found["from"], "to": found["to"], "zone": zone}


def _said(span: dict[str, Any]) -> str:
    if not span["from"]:
        return str(span["days"][0])
    return f"{','.join(span['days'])} {span['from']}-{span['to']} {span['zone']}"


def _utc(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%dT%H:%M}" if moment else ""
