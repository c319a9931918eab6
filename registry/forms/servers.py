"""Tracking servers, and where aliases shall point."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.errors import Invalid


class CheckedForm(forms.Form):
    """A small form on somebody else's page: what is wrong with it is said as the verbs say it."""

    def checked(self) -> dict[str, Any]:
        """What was typed, checked; `Invalid` names each field and what to mend."""
        if not self.is_valid():
            raise Invalid(fields={name: [str(one) for one in many] for name, many in self.errors.items()})
        return self.cleaned_data

    def take(self, error: Invalid) -> None:
        """Show what a verb found wrong beside its field."""
        for name, sentences in (error.fields or {"": [str(error)]}).items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)


class AddressForm(CheckedForm):
    """Where a tracking server answers."""

    uri = forms.CharField(
        label="Address",
        max_length=400,
        help_text="As workers reach it, for example http://mlflow.internal:5000.",
    )


class CredentialsForm(CheckedForm):
    """What a tracking server wants to know. The secret that is stored is never put into a page."""

    username = forms.CharField(
        label="User name",
        max_length=200,
        required=False,
        help_text="Empty for a bearer token.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    secret = forms.CharField(
        label="Password or token",
        max_length=4000,
        required=False,
        strip=False,
        help_text="Replaces what is stored. Empty for none.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class AuthorityForm(CheckedForm):
    """Which certificates are trusted for a tracking server. They are public, and may be shown."""

    authority = forms.CharField(
        label="Certificate authority",
        max_length=60_000,
        required=False,
        help_text="For an https address whose certificate comes from an authority of your own: its certificate, as PEM "
        "text. Empty for the authorities that the system knows.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
    )


class ServerForm(AddressForm, CredentialsForm, AuthorityForm):
    """A tracking server to follow."""

    name = forms.SlugField(max_length=60, help_text="A short name of your own: letters, digits, - and _.")
    field_order = ["name", "uri", "username", "secret", "authority"]


class AliasForm(CheckedForm):
    """Where an alias shall point."""

    name = forms.CharField(label="Alias", max_length=255, help_text="For example champion.")
    version = forms.IntegerField(
        min_value=0, max_value=2_147_483_647, help_text="The number of the version; 0 takes the alias away."
    )
