"""Who is to have which role, and until when."""

from __future__ import annotations

from django import forms

from registry.forms.servers import CheckedForm
from registry.models import Role


class RoleForm(CheckedForm):
    """Give somebody a role."""

    account = forms.CharField(label="Account", max_length=150, help_text="The name somebody logs in with.")
    role = forms.ChoiceField(label="Role", choices=Role.choices)
    until = forms.DateTimeField(
        label="Until",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="UTC. An auditor's role ends, within 180 days; the others may go on.",
    )
    reason = forms.CharField(label="Reason", max_length=300, help_text="It stands in the trail.")
