"""AI systems."""

from __future__ import annotations

from django import forms

from registry.models import System


class SystemForm(forms.Form):
    """A new AI system."""

    name = forms.CharField(max_length=120)
    intended_purpose = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What it is meant to do, for whom, and where. Art. 3(12) of the AI Act.",
    )
    operator_role = forms.ChoiceField(
        label="Our role", choices=System.OperatorRole.choices, help_text="Art. 3(3) to (7) of the AI Act."
    )
    team = forms.CharField(
        label="Team",
        max_length=200,
        required=False,
        help_text="Who answers for it, and how to reach them. Begin with the name of a team, and the two are linked.",
    )


class SystemEditForm(SystemForm):
    """What an AI system is, changed on top of the edition that was read."""

    on_top_of = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)


class RetireForm(forms.Form):
    """Why a system goes out of service."""

    reason = forms.CharField(
        label="Why it goes out of service", max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )
