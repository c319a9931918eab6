"""Forms of reviews, their rules, broken glass and the second factor. They check dictionaries and never save."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import Group

from governance.actions.reviews import Wish
from governance.models import Review
from governance.models.break_glass import LONGEST
from governance.models.reviews import JUDGES
from governance.reviews import LONGEST_AGE, MOST_APPROVERS, Item, Rule
from registry.models import Environment, User

SPARE_CONDITIONS = 2
MOMENT = partial(forms.DateTimeInput, attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class SigningForm(forms.Form):
    """Proof of who one is: the password, and a code where there is a second factor. Neither is ever shown again."""

    password = forms.CharField(
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text="Signing asks for it again.",
    )
    code = forms.CharField(
        max_length=8,
        label="One-time code",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        help_text="The six digits that your authenticator shows now.",
    )

    def __init__(self, data: Any = None, *, code: bool) -> None:
        super().__init__(data)
        if not code:
            del self.fields["code"]


class ConditionForm(forms.Form):
    """A condition of an approval: what, who, and until when. An empty row is none."""

    text = forms.CharField(max_length=1_000, required=False, label="What has to be done")
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(),
        to_field_name="username",
        required=False,
        label="By whom",
        empty_label="Choose a person",
    )
    due_at = forms.DateTimeField(required=False, label="Until (UTC)", widget=MOMENT())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, kind=User.Kind.PERSON).order_by("username")
        self.fields["owner"].queryset = people  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        given = [bool(data.get(name)) for name in ("text", "owner", "due_at")]
        if any(given) and not all(given):
            raise forms.ValidationError("A condition says what, by whom and until when.")
        return data

    def wish(self) -> Wish | None:
        """The row as a condition, or None when it is empty."""
        data = self.cleaned_data
        return Wish(data["text"], data["owner"], data["due_at"]) if data.get("text") else None


class JudgementForm(forms.Form):
    """A judge's judgement: under which role, what was looked at, a remark."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    role = forms.ChoiceField(label="I sign as", required=False)
    checked = forms.MultipleChoiceField(
        label="Looked at", required=False, widget=forms.CheckboxSelectMultiple
    )
    comment = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        required=False,
        max_length=5000,
        label="Comment",
        help_text="Needed when you ask for changes. It stands in the history.",
    )

    def __init__(self, review: Review, roles: Sequence[str], data: Any = None) -> None:
        super().__init__(data, initial={"digest": review.digest})
        self.fields["role"].choices = [(one, one) for one in roles]  # type: ignore[attr-defined]
        items = [(one.key, one.text) for one in review.frozen_rule.checklist]
        self.fields["checked"].choices = items  # type: ignore[attr-defined]
        self.fields["checked"].needed = True  # type: ignore[attr-defined]  # to approve; changes can be asked for without
        if not items:
            del self.fields["checked"]
        if len(roles) < 2:
            del self.fields["role"]


class NoteForm(forms.Form):
    """How one knows that a condition is fulfilled."""

    note = forms.CharField(max_length=1_000, label="How do you know?")


class MoreTimeForm(forms.Form):
    """A later time for a condition, and why."""

    due_at = forms.DateTimeField(label="Until (UTC)", widget=MOMENT())
    reason = forms.CharField(max_length=1_000, label="Why may it take longer?")


class ReviewRuleForm(forms.Form):
    """What an approval needs for one risk class, and why."""

    approvers = forms.IntegerField(
        min_value=1, max_value=MOST_APPROVERS, label="How many people", help_text="Each signs once."
    )
    roles = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="In which roles",
        help_text="One different person for each; the others may sign in any role that judges.",
    )
    checklist = forms.CharField(
        required=False,
        max_length=8_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="A line for each point: a key, a colon, and the sentence that is ticked.",
    )
    max_age_days = forms.IntegerField(
        min_value=1, max_value=LONGEST_AGE, label="Greatest age in days", help_text="Then the clearance ends."
    )
    again_after_days = forms.IntegerField(
        min_value=1, max_value=LONGEST_AGE, label="Review again after days", help_text="Then a review is due."
    )
    step_up = forms.BooleanField(required=False, label="Signed with the password, and the second factor")
    threads_resolved = forms.BooleanField(
        required=False,
        label="Once every comment is resolved",
        help_text="Nobody approves while a thread on the document is open.",
    )
    rationale = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="It stands in the trail beside the change.",
    )

    def __init__(self, rule: Rule, data: Any = None) -> None:
        told = rule.as_json() | {"checklist": "\n".join(f"{one.key}: {one.text}" for one in rule.checklist)}
        super().__init__(data, initial=told)
        self.risk_class = rule.risk_class
        judging = Group.objects.filter(permissions__codename=JUDGES).order_by("name")
        names = [(name, name) for name in judging.values_list("name", flat=True)]
        self.fields["roles"].choices = names  # type: ignore[attr-defined]

    def clean_checklist(self) -> tuple[Item, ...]:
        """Key and sentence of each line."""
        items = []
        for line in filter(str.strip, self.cleaned_data["checklist"].splitlines()):
            key, colon, text = line.partition(":")
            if not colon or not key.strip().isidentifier() or not text.strip():
                raise forms.ValidationError(f"Write “key: sentence”, not “{line[:80]}”.")
            items.append(Item(key.strip(), text.strip()))
        return tuple(items)

    def rule(self) -> Rule:
        """The rule that was chosen."""
        data = self.cleaned_data
        return Rule(
            self.risk_class,
            data["approvers"],
            tuple(data["roles"]),
            data["checklist"],
            data["max_age_days"],
            data["again_after_days"],
            data["step_up"],
            data["threads_resolved"],
        )


class GlassForm(forms.Form):
    """What is asked for when the glass shall be broken."""

    environment = forms.ChoiceField(choices=Environment.choices)
    minutes = forms.IntegerField(
        min_value=1, max_value=LONGEST, initial=30, help_text=f"At most {LONGEST}. Then it ends by itself."
    )
    reason = forms.CharField(
        max_length=1_000, widget=forms.Textarea(attrs={"rows": 3}), label="What is at stake?"
    )
