"""A team, and who is put into it."""

from __future__ import annotations

from django import forms

from registry.forms.servers import CheckedForm
from registry.models import User


class TeamForm(CheckedForm):
    """What a team is called, and what it is for."""

    name = forms.CharField(label="Name", max_length=120, help_text="As people call it; it may change.")
    description = forms.CharField(
        label="What it is for", max_length=2_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class NewTeamForm(TeamForm):
    """A new team."""

    handle = forms.CharField(
        label="Handle",
        max_length=80,
        help_text="Small letters, digits and hyphens. Policies and shares name it as group:HANDLE; it never changes.",
    )
    field_order = ["name", "handle", "description"]


class MemberForm(CheckedForm):
    """Who is put into a team."""

    account = forms.CharField(label="Account", max_length=150, help_text="A person or a service account.")
    lead = forms.BooleanField(
        label="As a lead", required=False, help_text="A lead puts in and takes out members."
    )

    def clean_account(self) -> User:
        """The account behind the name. Whoever may not put anybody in is refused before this is asked."""
        account = User.objects.filter(username=self.cleaned_data["account"]).first()
        if account is None:
            raise forms.ValidationError("There is no account of this name.")
        return account


class ArchiveTeamForm(CheckedForm):
    """Why a team ends."""

    reason = forms.CharField(label="Why it ends", max_length=500, help_text="It stands in the trail.")
