"""Forms of control: they check dictionaries and never save."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group

from governance.models import RiskClass, Token
from registry.documents.strictness import CLASSES, rules
from registry.models import Endpoint, Environment, Model, Role, Team, User

SEVERITY_LABELS = {"blocking": "Blocks", "warning": "Warning", "hint": "Hint", "off": "Off"}


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

    model = forms.ModelChoiceField(
        queryset=Model.objects.none(), to_field_name="slug", label="Model", empty_label="Choose a model"
    )

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.fields["model"].queryset = Model.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]


class ShareForm(forms.Form):
    """Whom a model is shared with: everybody with a role, the members of a team, or one account."""

    audience = forms.ChoiceField(
        label="Share with",
        help_text="A role: everybody who has it. A team: its members, as they come and go. An account: one person or program.",
    )

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
    protocol = forms.ChoiceField(
        choices=Endpoint.Protocol.choices, initial=Endpoint.Protocol.MLFLOW, required=False
    )
    served_name = forms.CharField(
        required=False,
        max_length=255,
        label="Its name there",
        help_text="Empty for the name in addresses here. MLflow scoring needs none.",
    )
    version_in_path = forms.BooleanField(
        required=False,
        label="Name the version's number there too",
        help_text="For a V2 or V1 server that holds several versions of the model.",
    )
    credential = forms.CharField(
        required=False,
        max_length=40,
        label="Credential",
        help_text="The name of a secret that the gate's operator has given to the gate; empty for none.",
    )

    def clean_protocol(self) -> str:
        return self.cleaned_data["protocol"] or Endpoint.Protocol.MLFLOW.value


class WhyForm(forms.Form):
    """A question to the gate, to be reasoned about. What is left empty is as unknown as it would be there."""

    caller = forms.CharField(
        required=False, max_length=150, label="Account", help_text="Whose query it is; or name a token."
    )
    token = forms.UUIDField(required=False, label="Token", help_text="Its id, as in its address.")
    model = forms.CharField(max_length=120, help_text="Its name in addresses, such as credit-scorer.")
    version = forms.CharField(
        required=False, max_length=255, label="Version or alias", help_text="Empty for champion."
    )
    action = forms.ChoiceField(required=False, choices=Token.Action.choices, initial="predict")
    environment = forms.ChoiceField(
        required=False,
        choices=Environment.choices,
        initial=Environment.PRODUCTION,
        help_text="With a token, the token's counts.",
    )
    network = forms.GenericIPAddressField(required=False, label="From the address")
    purpose = forms.CharField(required=False, max_length=80)
    payload_bytes = forms.IntegerField(
        required=False, min_value=0, max_value=1_073_741_824, label="Body (bytes)"
    )
    at = forms.DateTimeField(
        required=False,
        label="At (UTC)",
        help_text="Empty for now.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in (
            "action",
            "environment",
        ):  # an address may leave out what is usual, as that of the interface may
            given[name] = given.get(name) or self.fields[name].initial
        if not self.errors and not (given.get("caller") or given.get("token")):
            self.add_error("caller", "Name an account or a token.")
        return given


def subject_choices() -> list[tuple[str, Any]]:
    """Whom a model may be shared with: roles, teams, accounts. Three choices in two queries."""
    teams = Team.objects.standing().order_by("name").values_list("group__name", "name")
    people = User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)
    return [
        ("", "Nobody"),
        ("Roles", [(f"group:{role}", label) for role, label in Role.choices]),
        ("Teams", [(f"group:{handle}", name) for handle, name in teams]),
        ("Accounts", [(f"user:{name}", name) for name in people]),
    ]
