"""Forms of the registry: they check dictionaries and never save."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms

from registry.documents import content as contents
from registry.documents.outline import Column, Field, outline
from registry.errors import Invalid
from registry.models import System

SPARE_ROWS = 2
FIGURE_COLUMNS = (Column("digest", "SHA-256"), Column("caption", "Caption"), Column("alt", "In words"))


class TableWidget(forms.Widget):
    """Rows of text boxes, with spare rows at the end. Works without JavaScript."""

    template_name = "components/table_input.html"
    use_fieldset = True

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.columns = field.columns

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rows = list(value or []) + [{} for _ in range(SPARE_ROWS)]
        context["widget"]["columns"] = self.columns
        context["widget"]["rows"] = [
            [(f"{name}-{n}-{column.key}", column.label, row.get(column.key, "")) for column in self.columns]
            for n, row in enumerate(rows)
        ]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        rows = []
        for n in range(502):
            keys = [f"{name}-{n}-{column.key}" for column in self.columns]
            if not any(key in data for key in keys):
                break
            rows.append({column.key: data.get(f"{name}-{n}-{column.key}", "") for column in self.columns})
        return [row for row in rows if any(value.strip() for value in row.values())]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(key.startswith(f"{name}-0-") for key in data)


class TableField(forms.Field):
    """A list of rows."""

    def __init__(self, field: Field, **kwargs: Any) -> None:
        super().__init__(widget=TableWidget(field), **kwargs)


class LinesField(forms.CharField):
    """One item a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


class DocumentForm(forms.Form):
    """A card or datasheet as a form, made from its outline. A draft may have gaps; they are shown, not refused."""

    def __init__(self, kind: str, content: dict[str, Any], data: Any = None) -> None:
        self.kind = kind
        super().__init__(
            data, initial={f.path: contents.value(content, f.path) for f in outline(kind).fields()}
        )
        for field in outline(kind).fields():
            self.fields[field.path] = _form_field(field)
            self.fields[field.path].needed = field.required  # type: ignore[attr-defined]
        self.fields["on_top_of"] = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
        self.fields["note"] = forms.CharField(
            label="What changed",
            max_length=300,
            required=False,
            help_text="One line for whoever reads the history.",
        )

    def content(self) -> dict[str, Any]:
        """The typed content as a document."""
        typed = contents.blank(self.kind)
        for field in outline(self.kind).fields():
            typed[field.section][field.key] = self.cleaned_data[field.path] or field.empty
        return typed

    def sections(self) -> list[dict[str, Any]]:
        """Sections with their bound fields and what is missing in each, for the page."""
        content = self.content() if self.is_bound and self.is_valid() else _initial(self)
        gaps = {gap.path: gap for gap in contents.gaps(self.kind, content)}
        return [
            {
                "key": section.key,
                "title": section.title,
                "filled": sum(bool(contents.value(content, f.path)) for f in section.fields),
                "total": len(section.fields),
                "blocking": any(
                    f.path in gaps and gaps[f.path].severity == "blocking" for f in section.fields
                ),
                "fields": [
                    {"bound": self[f.path], "gap": gaps.get(f.path), "field": f} for f in section.fields
                ],
            }
            for section in outline(self.kind).sections
        ]


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


class ServerForm(AddressForm, CredentialsForm):
    """A tracking server to follow."""

    name = forms.SlugField(max_length=60, help_text="A short name of your own: letters, digits, - and _.")
    field_order = ["name", "uri", "username", "secret"]


class AliasForm(CheckedForm):
    """Where an alias shall point."""

    name = forms.CharField(label="Alias", max_length=255, help_text="For example champion.")
    version = forms.IntegerField(
        min_value=0, max_value=2_147_483_647, help_text="The number of the version; 0 takes the alias away."
    )


def _initial(form: DocumentForm) -> dict[str, Any]:
    content = contents.blank(form.kind)
    for field in outline(form.kind).fields():
        content[field.section][field.key] = form.initial.get(field.path) or field.empty
    return content


def _form_field(field: Field) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": False}
    if field.kind == "table":
        return TableField(field, **common)
    if field.kind == "figures":
        return TableField(replace(field, columns=FIGURE_COLUMNS), **common)
    if field.kind == "choice":
        options = [("", "Not answered"), *((option.value, option.label) for option in field.options)]
        return forms.ChoiceField(choices=options, **common)
    if field.kind == "lines":
        return LinesField(widget=forms.Textarea(attrs={"rows": 4}), max_length=60_000, **common)
    if field.kind == "prose":
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), max_length=40_000, **common)
    return forms.CharField(max_length=300, **common)
