"""What the design reference shows: one invented example of every component."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MARKDOWN = """## How it was trained
Gradient boosting on **48 000** applications, see [the run](https://example.org/run).

- seeded, reproducible
- no protected attribute as input
"""


class ExampleForm(forms.Form):
    """One of each kind of field."""

    name = forms.CharField(help_text="What the token is for; shown wherever it is listed.")
    environment = forms.ChoiceField(choices=[("p", "Production"), ("s", "Staging")])
    until = forms.DateField(
        label="Valid until", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    scopes = forms.MultipleChoiceField(
        label="May", choices=[("p", "Query the model")], widget=forms.CheckboxSelectMultiple
    )
    kind = forms.ChoiceField(
        label="Holder", choices=[("p", "A person"), ("s", "A service")], widget=forms.RadioSelect
    )
    purpose = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), required=False)
    document = forms.FileField(label="Evidence", required=False)
    agree = forms.BooleanField(
        label="The holder knows what the token may do", help_text="Written to the trail."
    )


def context() -> dict[str, Any]:
    """Everything that templates/gallery.html shows."""
    now = timezone.now()
    sprite = (settings.BASE_DIR / "static" / "icons.svg").read_text()
    return {
        "icons": [name for name in re.findall(r'symbol id="([^"]+)"', sprite) if name != "mark"],
        "example_digest": DIGEST,
        "moment": now - timedelta(hours=3),
        "markdown": MARKDOWN,
        "form": ExampleForm({"environment": "p", "kind": "p"}),
        "tabs": [
            {"label": "Overview", "url": "#overview", "current": True},
            {"label": "Versions", "url": "#versions", "count": 2},
            {"label": "Card", "url": "#card"},
        ],
        "conditions": [
            {"label": "Card approved by a second person", "met": True, "why": "Revision 3 was approved."},
            {
                "label": "Datasheets",
                "met": False,
                "why": "One is missing.",
                "action": "Write it",
                "url": "#data",
            },
            {"label": "Artifact as approved", "met": None, "why": "The digest is being computed."},
        ],
        "steps": [
            {"label": "Draft", "state": "done", "note": "by owner"},
            {"label": "In review", "state": "current", "note": "since yesterday"},
            {"label": "Approved", "state": "ahead"},
        ],
        "table_rows": [
            {
                "name": "credit 2",
                "state": "attention",
                "word": "In review",
                "digest": DIGEST,
                "queries": 0,
                "at": now,
            },
            {
                "name": "credit 1",
                "state": "ok",
                "word": "Cleared",
                "digest": DIGEST,
                "queries": 18442,
                "at": now,
            },
        ],
        "diff_rows": [
            ("Intended use", "Credit up to 10 000 €.", "Credit up to 20 000 €."),
            ("Limitations", "", "Not valid under 21."),
        ],
        "entries": [
            {"text": "reviewer approved revision 3.", "state": "ok", "at": now, "by": "reviewer"},
            {
                "text": "The gate refused 14 queries.",
                "state": "critical",
                "icon": "gate",
                "at": now,
                "by": "gate",
            },
        ],
    }
