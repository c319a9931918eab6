"""Forms about accounts: they check dictionaries and never save."""

from __future__ import annotations

from django import forms

from registry.forms.servers import CheckedForm
from registry.models import User


class SwitchOffForm(CheckedForm):
    """Why an account is switched off, and who takes over what it answers for."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It stands in the trail.")
    successor = forms.CharField(
        label="Who takes over",
        max_length=150,
        required=False,
        help_text="The account of a person; needed where there is something to take over.",
    )

    def clean_successor(self) -> User | None:
        """The account behind the name. Whoever may not switch anybody off is refused before this is asked."""
        name = self.cleaned_data["successor"]
        found = User.objects.filter(username=name).first() if name else None
        if name and found is None:
            raise forms.ValidationError("There is no account of this name.")
        return found


class SwitchOnForm(CheckedForm):
    """Why an account is switched on again."""

    reason = forms.CharField(label="Reason", max_length=300, help_text="It stands in the trail.")
