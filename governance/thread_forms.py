"""Forms of comments. They check dictionaries and never save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms

from governance.models.threads import LONGEST
from registry.documents import content as contents
from registry.documents.anchors import name_of_row
from registry.documents.merge import LISTS
from registry.documents.outline import Field, outline

MOST_ROWS = 500  # as many as a field holds


class CommentForm(forms.Form):
    """What somebody says, in Markdown."""

    text = forms.CharField(
        max_length=LONGEST,
        required=False,  # a thread is resolved without a word too; what needs one says so
        label="Comment",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Markdown. It cannot be changed afterwards; a correction is another comment.",
    )


class BeginForm(CommentForm):
    """The first comment about a field, or about one of its rows. `about` is a field, a section, or nothing."""

    path = forms.ChoiceField(label="About")
    row = forms.TypedChoiceField(label="Which row", required=False, coerce=int, empty_value=None)

    field_order = ("path", "row", "text")

    def __init__(self, kind: str, content: dict[str, Any], about: str, data: Any = None) -> None:
        plan = outline(kind)
        field = plan.field(about)
        chosen = [section for section in plan.sections if section.key == about]
        place = about.replace(".", "-") if field or chosen else "document"
        super().__init__(data, auto_id=f"begin-{place}-%s", initial={"path": about})
        self.fields["text"].required = True
        self.fields["text"].error_messages["required"] = "Write something."
        self.fields["text"].widget.attrs["autofocus"] = True
        if field:
            self.fields["path"].choices = [(field.path, plan.name_of(field))]  # type: ignore[attr-defined]
            self.fields["path"].widget = forms.HiddenInput()
        else:
            self.fields["path"].choices = [  # type: ignore[attr-defined]
                (section.title, [(one.path, one.label) for one in section.fields])
                for section in chosen or plan.sections
            ]
        rows = list(_rows(field, content)) if field else []
        self.fields["row"].choices = [("", "All of it"), *rows]  # type: ignore[attr-defined]
        if not rows:
            del self.fields["row"]


def _rows(field: Field, content: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The rows of a list, each by its place and what it says."""
    if field.kind in LISTS:
        for place, one in enumerate((contents.value(content, field.path) or [])[:MOST_ROWS]):
            yield str(place), f"{place + 1}: {name_of_row(field, one)}"
