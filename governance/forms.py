"""Forms of control: they check dictionaries and never save."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import Group

from governance import policies
from governance.models import RiskClass
from registry.documents.strictness import CLASSES, rules
from registry.models import Environment, Model, User

SPARE_RULES = 2
SEVERITY_LABELS = {"blocking": "Blocks", "warning": "Warning", "hint": "Hint", "off": "Off"}
MOMENT = partial(forms.DateTimeInput, attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}), label="Reason")


class RiskForm(forms.Form):
    """The risk class of a system."""

    risk_class = forms.ChoiceField(choices=RiskClass.choices, label="Risk class", widget=forms.RadioSelect)
    rationale = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Why",
        help_text="Name the article and the point of the annex.",
    )


class SeverityForm(forms.Form):
    """How severe the findings of each rule are for each risk class, as a table of choices, and why."""

    rationale = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="It stands in the trail beside every change.",
    )

    def __init__(self, decided: dict[tuple[str, str], str], data: Any = None) -> None:
        super().__init__(data)
        self.now = {
            (rule.code, one): decided.get((rule.code, one), rule.severity[one])
            for rule in rules().values()
            for one in CLASSES
        }
        for (code, one), severity in self.now.items():
            box = forms.Select(attrs={"class": "input", "aria-label": f"{rules()[code].label}, {one}"})
            self.fields[f"{code}.{one}"] = forms.ChoiceField(
                choices=SEVERITY_LABELS.items(), initial=severity, widget=box, required=False
            )

    def changed(self) -> dict[tuple[str, str], str]:
        """(rule, risk class) → the severity that was chosen, where it is another one than now."""
        chosen = {key: self.cleaned_data[".".join(key)] or severity for key, severity in self.now.items()}
        return {key: severity for key, severity in chosen.items() if severity != self.now[key]}


class AddModelForm(forms.Form):
    """A model that a system uses."""

    model = forms.ModelChoiceField(queryset=Model.objects.none(), to_field_name="slug", label="Model")

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.fields["model"].queryset = Model.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]


class ShareForm(forms.Form):
    """Whom a model is shared with: a group, or one account."""

    audience = forms.ChoiceField(label="Share with")

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["audience"].choices = subject_choices()  # type: ignore[attr-defined]

    def chosen(self) -> Group | User:
        """The group or account behind the choice."""
        kind, _, name = self.cleaned_data["audience"].partition(":")
        return Group.objects.get(name=name) if kind == "group" else User.objects.get(username=name)


class EndpointForm(forms.Form):
    """Where a version answers queries."""

    environment = forms.ChoiceField(choices=Environment.choices)
    url = forms.URLField(label="Address of the model server", max_length=400, assume_scheme="http")


class JudgementForm(forms.Form):
    """A reviewer's judgement."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    comment = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=5000,
        label="Comment",
        help_text="Needed when you ask for changes. It stands in the history.",
    )


class RuleForm(forms.Form):
    """One rule of a policy: a row of the editor. An empty row is no rule."""

    effect = forms.ChoiceField(choices=[("allow", "Allow"), ("deny", "Deny")], required=False)
    subject = forms.ChoiceField(required=False)
    action = forms.ChoiceField(choices=[(a, a) for a in policies.ACTIONS], required=False)
    valid_from = forms.DateTimeField(required=False, label="From (UTC)", widget=MOMENT())
    valid_until = forms.DateTimeField(required=False, label="Until (UTC)", widget=MOMENT())

    def __init__(self, *args: Any, subjects: list[tuple[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["subject"].choices = subjects  # type: ignore[attr-defined]

    def rule(self) -> dict[str, Any] | None:
        """The row as a rule, or None when nobody is named."""
        data = self.cleaned_data
        if not data.get("subject"):
            return None
        rule = {
            "effect": data["effect"] or "allow",
            "subjects": [data["subject"]],
            "actions": [data["action"]],
        }
        for name in ("valid_from", "valid_until"):
            if data.get(name):
                rule[name] = data[name].isoformat()
        return rule


def subject_choices() -> list[tuple[str, Any]]:
    """Whom a rule may name: groups, then accounts."""
    groups = [
        (f"group:{name}", name) for name in Group.objects.order_by("name").values_list("name", flat=True)
    ]
    people = User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)
    return [
        ("", "Nobody"),
        ("Groups", groups),
        ("Accounts", [(f"user:{name}", name) for name in people]),
    ]
