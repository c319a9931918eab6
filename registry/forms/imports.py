"""Files from elsewhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from registry import formats

NAMED = "A version as model/number, for example credit-scorer/2, or a dataset by the name in its address."


class ImportForm(forms.Form):
    """A file to import. Its size is looked at before it is read."""

    file = forms.FileField(
        label="File",
        max_length=255,
        allow_empty_file=True,
        help_text=f"At most {formats.MAX_BYTES // 1_000_000} MB: {', '.join(one.label for one in formats.READERS.values())}.",
    )
    format = forms.ChoiceField(
        required=False,
        choices=[("", "Recognise it"), *((name, one.label) for name, one in formats.READERS.items())],
        help_text="Choose one only where it is not recognised.",
    )
    into = forms.CharField(
        label="For",
        required=False,
        max_length=200,
        help_text=f"{NAMED} Left empty, the import waits in the list.",
    )

    def clean_file(self) -> UploadedFile[Any]:
        """Refuse what is too large while it still lies on disk."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > formats.MAX_BYTES:
            raise forms.ValidationError(
                f"The file has {(file.size or 0) / 1e6:.1f} MB; at most {formats.MAX_BYTES / 1e6:.0f} MB are read."
            )
        return file


class UseForm(forms.Form):
    """What a waiting import is for."""

    into = forms.CharField(label="Use it for", max_length=200, help_text=NAMED)
