"""Cards and datasheets as forms, made from their outlines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.core import signing

from registry import canonical
from registry.documents import content as contents
from registry.documents.outline import FIGURE, Column, Field, outline
from registry.errors import Invalid

SPARE_ROWS = 2
MOST_ROWS = 500  # of a table, as the published schema says
MOST_READ = 5_000  # rows are read beyond that, so that too many are refused and none is dropped
PROPOSED = "registry.documents.proposed"  # what is signed here is nothing else


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
        for n in range(MOST_READ):
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
        super().__init__(**{"widget": TableWidget(field)} | kwargs)

    def validate(self, value: Any) -> None:
        super().validate(value)
        if len(value or []) > MOST_ROWS:
            raise forms.ValidationError(f"A table has at most {MOST_ROWS} rows; these are {len(value)}.")


class LinesField(forms.CharField):
    """One item a line."""

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [line.strip() for line in (super().to_python(value) or "").splitlines() if line.strip()]


class FiguresWidget(TableWidget):
    """Figures that are there, each with caption and text alternative, and a place to upload the next one."""

    template_name = "components/figures_input.html"

    def __init__(self, field: Field) -> None:
        super().__init__(replace(field, columns=tuple(Column(key, key) for key in FIGURE)))
        self.fresh: dict[str, str] = {}  # what was typed about a picture that could not be kept

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["fresh"] = self.fresh
        context["widget"]["figures"] = [
            {"name": f"{name}-{n}", "longest": FIGURE} | {key: row.get(key, "") for key in FIGURE}
            for n, row in enumerate(value or [])
        ]
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[dict[str, str]]:
        self.fresh = {part: data.get(f"{name}-new-{part}", "") for part in ("caption", "alt")}
        gone = set(data.getlist(f"{name}-remove")) if hasattr(data, "getlist") else set()
        return [row for row in super().value_from_datadict(data, files, name) if row["digest"] not in gone]


class DocumentForm(forms.Form):
    """A card or datasheet as a form, made from its outline. A draft may have gaps; they are shown, not refused.

    What was proposed and not accepted travels along, signed: for each path the source and the digest of the proposed
    value. A value that comes back unchanged is still a proposal, unless its box is ticked; one that a person changed is theirs.
    """

    def __init__(
        self, kind: str, content: dict[str, Any], *, on_top_of: int = 0, note: str = "", data: Any = None
    ) -> None:
        self.kind = kind
        initial = {f.path: contents.value(content, f.path) for f in outline(kind).fields()}
        super().__init__(data, initial=initial | {"on_top_of": on_top_of, "note": note})
        for field in outline(kind).fields():
            self.fields[field.path] = _form_field(field)
            self.fields[field.path].needed = field.required  # type: ignore[attr-defined]
        self.fields["on_top_of"] = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
        self.fields["proposed"] = forms.CharField(widget=forms.HiddenInput, required=False)
        self.fields["note"] = forms.CharField(
            label="What changed",
            max_length=300,
            required=False,
            help_text="One line for whoever reads the history.",
        )
        self._content = content
        self._readable = data is None

    def clean(self) -> dict[str, Any]:
        """The typed content, in the shape of the published schema; what does not fit is said at its field."""
        typed = contents.blank(self.kind)
        for field in outline(self.kind).fields():
            typed[field.section][field.key] = self.cleaned_data.get(field.path) or field.empty
        try:
            tidied = contents.tidy(self.kind, typed)
            waiting = self._still_waiting(tidied)
        except Invalid as error:
            for path, sentences in (error.fields or {"document": [str(error)]}).items():
                self.add_error(self.field_of(path), sentences)
        else:
            self._content = tidied | ({"unaccepted": waiting} if waiting else {})
            self._readable = True
        return self.cleaned_data

    def content(self) -> dict[str, Any]:
        """The document as it was typed, or as it was before anything was typed."""
        self.is_valid()
        return self._content

    def proposed_now(self) -> str:
        """What still waits to be accepted, signed for the next round; as it came when the rest could not be read."""
        content = self.content()
        if self._readable:
            return signing.dumps(_proposed(content), salt=PROPOSED, compress=True)
        return str(self.data.get("proposed", ""))

    def field_of(self, path: str) -> str | None:
        """The form's field that an error path such as "metrics.results.0" belongs to."""
        name = ".".join(path.split(".")[:2])
        return name if name in self.fields else None

    def _still_waiting(self, typed: dict[str, Any]) -> dict[str, str]:
        try:
            proposed = signing.loads(self.cleaned_data.get("proposed") or "", salt=PROPOSED)
        except signing.BadSignature:  # then what the revision before left open is what is known
            proposed = _proposed(self._content)
        accepted = set(self.data.getlist("accept")) if hasattr(self.data, "getlist") else set()
        return {
            path: source
            for path, (source, digest) in proposed.items()
            if path not in accepted
            and path.partition(".")[0] not in accepted
            and _digest(contents.value(typed, path)) == digest
        }


def _proposed(content: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Path → the source of a value that nobody has accepted, and the digest of that value."""
    return {
        path: (source, _digest(contents.value(content, path)))
        for path, source in content.get("unaccepted", {}).items()
    }


def _digest(value: Any) -> str:
    return canonical.digest(canonical.canonical(value))[:16]


def _form_field(field: Field) -> forms.Field:
    common: dict[str, Any] = {"label": field.label, "help_text": field.help, "required": False}
    if field.kind == "table":
        return TableField(field, **common)
    if field.kind == "figures":
        return TableField(field, widget=FiguresWidget(field), **common)
    if field.kind == "choice":
        options = [("", "Not answered"), *((option.value, option.label) for option in field.options)]
        return forms.ChoiceField(choices=options, **common)
    if field.kind == "lines":
        return LinesField(widget=forms.Textarea(attrs={"rows": 4}), max_length=60_000, **common)
    if field.kind == "prose":
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), max_length=40_000, **common)
    return forms.CharField(max_length=300, **common)
