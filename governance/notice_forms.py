"""Forms of notices, absences and reminders. They check dictionaries and never save."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django import forms
from django.db.models import QuerySet

from governance.models.reminders import ESCALATED_TO, LONGEST_PATIENCE
from governance.notices import KINDS, Cadence, Kind
from registry.models import User

MOMENT = partial(forms.DateTimeInput, attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
Choice = tuple[bool, bool]  # in the inbox, by mail


class NoticesForm(forms.Form):
    """What one is told of, a row for each kind, and how often mail comes."""

    daily = forms.ChoiceField(
        choices=[("now", "At once"), ("daily", "Once a day, in one letter, at 7:00 UTC")],
        label="Mail comes",
    )

    def __init__(self, chosen: Mapping[str, Choice], *, daily: bool, data: Any = None) -> None:
        super().__init__(data, initial={"daily": "daily" if daily else "now"})
        self.now = chosen
        for kind in KINDS:
            for channel, word, held in zip(("app", "mail"), ("Inbox", "Mail"), chosen[kind.key], strict=True):
                self.fields[f"{channel}.{kind.key}"] = forms.BooleanField(
                    required=False, initial=held, label=f"{word}: {kind.title}"
                )

    def groups(self) -> Iterator[tuple[str, list[tuple[Kind, Any, Any]]]]:
        """The rows, by the noun they are about."""
        for group in dict.fromkeys(kind.group for kind in KINDS):
            rows = [kind for kind in KINDS if kind.group == group]
            yield group, [(kind, self[f"app.{kind.key}"], self[f"mail.{kind.key}"]) for kind in rows]

    def clean_daily(self) -> bool:
        """Whether it comes once a day."""
        return bool(self.cleaned_data["daily"] == "daily")

    def changed(self) -> dict[str, Choice]:
        """The kinds that are chosen otherwise than they were."""
        given = self.cleaned_data
        chosen = {kind.key: (given[f"app.{kind.key}"], given[f"mail.{kind.key}"]) for kind in KINDS}
        return {key: choice for key, choice in chosen.items() if choice != self.now[key]}


class AbsenceForm(forms.Form):
    """Who stands in, and when."""

    stand_in = forms.ModelChoiceField(
        queryset=User.objects.none(),
        to_field_name="username",
        label="Who stands in",
        empty_label="Choose somebody",
        help_text="Somebody who judges in the same role. An absence gives no rights.",
    )
    since = forms.DateTimeField(
        label="From (UTC)", widget=MOMENT(), help_text="A time that is over means now."
    )
    until = forms.DateTimeField(label="Until (UTC)", widget=MOMENT(), help_text="Then it ends by itself.")

    def __init__(self, people: QuerySet[User], data: Any = None) -> None:
        super().__init__(data)
        self.fields["stand_in"].queryset = people  # type: ignore[attr-defined]


class ReminderForm(forms.Form):
    """When reviews are reminded of, who is told when nobody judges, and why."""

    remind_after_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_PATIENCE,
        label="Remind every … days",
        help_text="Of those who may judge.",
    )
    escalate_after_days = forms.IntegerField(
        min_value=1, max_value=LONGEST_PATIENCE, label="Tell others after … days"
    )
    escalate_to = forms.MultipleChoiceField(
        choices=[(one, one) for one in ESCALATED_TO],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Whom then",
        help_text="Nobody ticked: nobody else is told.",
    )
    working_days = forms.BooleanField(required=False, label="Saturdays and Sundays do not count")
    rationale = forms.CharField(
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Why",
        help_text="It stands in the trail beside the change.",
    )

    def cadence(self) -> Cadence:
        """What was chosen."""
        data = self.cleaned_data
        return Cadence(
            data["remind_after_days"],
            data["escalate_after_days"],
            tuple(one for one in ESCALATED_TO if one in data["escalate_to"]),
            data["working_days"],
        )
