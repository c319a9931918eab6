"""Forms about tokens and service accounts: they check dictionaries and never save."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone

from governance import scopes
from governance.models import Token
from governance.models.tokens import CLASSES, classes_of, lives, longest_life
from governance.policies import RATE_SECONDS
from governance.policies.words import MOST_CALLS, QUOTA_SPANS
from governance.scopes import Scope
from registry.models import Environment, Model, User
from registry.models.users import MACHINE

SPANS = (("1", "1 day"), ("7", "7 days"), ("30", "30 days"), ("60", "60 days"), ("90", "90 days"))
OVERLAPS = (("0", "Ends at once"), ("1", "1 hour"), ("24", "24 hours"), ("72", "3 days"), ("168", "7 days"))


class TokenForm(forms.Form):
    """A new token: for whom, for what, where from, how often, until when."""

    name = forms.CharField(max_length=80, help_text="What uses it, for example “scoring service”.")
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(), to_field_name="username", help_text="Whose queries these are."
    )
    environment = forms.ChoiceField(choices=Environment.choices)
    models = forms.ModelMultipleChoiceField(
        queryset=Model.objects.none(),
        to_field_name="slug",
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    tag = forms.CharField(
        required=False, max_length=501, label="Or every model with the tag",
        help_text="Written key=value. New models with this tag are reached too, as far as the owner sees them.",
    )  # fmt: skip
    versions = forms.CharField(
        required=False,
        max_length=800,
        label="Only the versions",
        help_text="Numbers, such as 2, 3. For one model.",
    )
    alias = forms.CharField(
        required=False,
        max_length=255,
        label="Or only the version called",
        help_text="An alias, such as champion.",
    )
    actions = forms.MultipleChoiceField(
        choices=Token.Action.choices, initial=["predict"], widget=forms.CheckboxSelectMultiple, required=False
    )
    portal = forms.MultipleChoiceField(
        choices=Token.Portal.choices, widget=forms.CheckboxSelectMultiple, required=False,
        help_text="In the REST interface, within what your role allows. Never judging, sharing or deciding.",
    )  # fmt: skip
    purpose = forms.CharField(
        required=False, max_length=80, help_text="One of the card's intended uses, such as credit-scoring."
    )
    networks = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}), label="Only from the networks",
        help_text="In CIDR form, such as 10.0.0.0/8. One a line.",
    )  # fmt: skip
    rate = forms.IntegerField(required=False, min_value=1, max_value=MOST_CALLS, label="At most, queries")
    rate_per = forms.ChoiceField(choices=[(one, f"a {one}" if one != "hour" else "an hour") for one in RATE_SECONDS],
                                 required=False, initial="minute", label="In each")  # fmt: skip
    quota = forms.IntegerField(required=False, min_value=1, max_value=MOST_CALLS, label="And at most, in all")
    quota_per = forms.ChoiceField(
        choices=[(one, f"a {one} (UTC)") for one in QUOTA_SPANS],
        required=False,
        initial="day",
        label="Within",
    )
    days = forms.ChoiceField(choices=SPANS, initial="30", label="Valid for")
    once = forms.UUIDField(
        widget=forms.HiddenInput, initial=uuid.uuid4
    )  # a form is used once: a reload issues nothing

    def __init__(self, user: User, data: Any = None, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.user = user
        self.fields["models"].queryset = Model.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]
        services = Q(kind=User.Kind.SERVICE) & ~Q(username=MACHINE)
        owners = User.objects.filter(Q(pk=user.pk) | services, is_active=True).order_by("username")
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]
        self.fields["owner"].initial = user.username

    def expires_at(self) -> datetime:
        """The end of the chosen span, from now."""
        return timezone.now() + timedelta(days=int(self.cleaned_data.get("days") or 30))

    def scope(self) -> Scope:
        """What was chosen, as far as it could be read."""
        given = self.cleaned_data
        key, _, value = (given.get("tag") or "").partition("=")
        limits: dict[str, Any] = {}
        if given.get("rate"):
            limits["rate"] = {"limit": given["rate"], "per": given.get("rate_per") or "minute"}
        if given.get("quota"):
            limits["quota"] = {"limit": given["quota"], "per": given.get("quota_per") or "day", "zone": "UTC"}
        return Scope(
            actions=tuple(given.get("actions") or ()),
            portal=tuple(given.get("portal") or ()),
            tag=(key.strip(), value.strip()),
            versions=given.get("versions") or (),
            alias=(given.get("alias") or "").strip(),
            purpose=(given.get("purpose") or "").strip(),
            networks=tuple((given.get("networks") or "").split()),
            limits=limits,
        )

    def clean_versions(self) -> tuple[int, ...]:
        """Numbers between commas or spaces."""
        words = self.cleaned_data["versions"].replace(",", " ").split()
        if not all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
            raise forms.ValidationError("Write the numbers of versions, such as 2, 3.")
        return tuple(sorted({int(word) for word in words}))

    def sentence(self) -> str:
        """What the token will be able to do and until when, or what is still missing. Asks to be checked first."""
        given, scope = self.cleaned_data, self.scope()
        models = list(given.get("models") or ())
        if wrong := scopes.problems(scope, len(models)):
            return " ".join(one for many in wrong.values() for one in many)
        if not given.get("owner"):
            return "Choose an owner."
        classes = classes_of(models) if models else set()
        told = scopes.sentence(
            scope, owner=given["owner"].username, models=[model.name for model in models],
            environment=given.get("environment") or "production", ends=self.expires_at(),
        )  # fmt: skip
        if scope.actions and self.expires_at() > timezone.now() + timedelta(
            days=longest_life(classes), minutes=1
        ):
            told += (
                f" For these models it may live at most {longest_life(classes)} days: choose a shorter time."
            )
        if scope.actions and classes & {"high", "prohibited"}:
            told += " A second person has to countersign it first: it reaches a high-risk model."
        return told


class RotateForm(forms.Form):
    """How long the old token works on."""

    overlap = forms.ChoiceField(choices=OVERLAPS, initial="24", label="The old token works on for")
    once = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class RevokeTogetherForm(forms.Form):
    """Which tokens end."""

    account = forms.ModelChoiceField(
        queryset=User.objects.none(),
        to_field_name="username",
        required=False,
        label="Account",
        empty_label="Choose an account",
    )
    model = forms.ModelChoiceField(
        queryset=Model.objects.none(),
        to_field_name="slug",
        required=False,
        label="Model",
        empty_label="Choose a model",
    )
    confirmed = forms.CharField(required=False, max_length=80, label="The sentence")

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data)
        self.fields["account"].queryset = (  # type: ignore[attr-defined]
            User.objects.filter(tokens__in=Token.objects.visible_to(user)).distinct().order_by("username")
        )
        self.fields["model"].queryset = Model.objects.visible_to(user).order_by("name")  # type: ignore[attr-defined]


class LifeForm(forms.Form):
    """How many days tokens live, for each risk class, and why."""

    rationale = forms.CharField(
        max_length=5000, widget=forms.Textarea(attrs={"rows": 3}), label="Why",
        help_text="It stands in the trail beside every change.",
    )  # fmt: skip

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.now = lives()
        for one in CLASSES:
            self.fields[one] = forms.IntegerField(
                min_value=1,
                max_value=90,
                initial=self.now[one],
                required=False,
                label=f"{one.capitalize()}, days",
            )

    def changed(self) -> dict[str, int]:
        """Risk class → days, where they are others than now."""
        chosen = {one: self.cleaned_data.get(one) or days for one, days in self.now.items()}
        return {one: days for one, days in chosen.items() if days != self.now[one]}


class ServiceAccountForm(forms.Form):
    """A new service account."""

    name = forms.CharField(max_length=80, help_text="Small letters, digits, dots, hyphens, underscores.")
    purpose = forms.CharField(max_length=200, label="What it is for")
    sponsor = forms.ModelChoiceField(
        queryset=User.objects.none(),
        to_field_name="username",
        empty_label="Choose a person",
        help_text="The person who answers for it.",
    )

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data, initial={"sponsor": user.username})
        people = User.objects.filter(kind=User.Kind.PERSON, is_active=True).order_by("username")
        self.fields["sponsor"].queryset = people  # type: ignore[attr-defined]


class SponsorForm(forms.Form):
    """Who answers for a service account from now on."""

    sponsor = forms.ModelChoiceField(
        queryset=User.objects.none(), to_field_name="username", label="New sponsor", empty_label="Choose a person",
        help_text="Its tokens reach what this person sees, within a second.",
    )  # fmt: skip

    def __init__(self, now: User, data: Any = None) -> None:
        super().__init__(data)
        people = User.objects.filter(kind=User.Kind.PERSON, is_active=True).exclude(pk=now.pk)
        self.fields["sponsor"].queryset = people.order_by("username")  # type: ignore[attr-defined]
