"""Files from elsewhere, and documents for elsewhere."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from registry import formats
from registry.actions import imports
from registry.api.bodies import In, RawFile, StorableJSON
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import READ, WRITE, described
from registry.errors import Invalid
from registry.exporting import export_of, file_name
from registry.models import Dataset, Import, User, Version
from registry.naming import named

IMPORT = {
    "id": 7,
    "name": "README.md",
    "format": "huggingface",
    "kind": "card",
    "digest": "3b1c" * 16,
    "size": 2048,
    "by": "owner",
    "taken_at": "2026-11-24T09:30:00Z",
    "into": "credit-risk/3",
    "revision": 4,
}
LEAF = {
    "path": "/front matter/license",
    "outcome": "mapped",
    "value": "mit",
    "field": "model_details.licence",
    "reason": "",
}
ACCOUNT = {"subject": {"name": "credit-risk", "version": ""}, "notes": [], "counts": {"mapped": 1, "kept": 0, "dropped": 0}, "report": [LEAF]}  # fmt: skip
SHOWN = {"text/markdown": "# Model Card for credit-risk", "application/json": {"schema": "cardinal/card/1"}}


def _file_of(kind: str) -> dict[Any, Any]:
    """What an export of a card or a datasheet answers with: a type for each family of formats."""
    found: dict[Any, Any] = {}
    for media in sorted({one.media_type for one in formats.writers(kind).values()}):
        shown = OpenApiExample(
            "A document", value=SHOWN.get(media, "{…}"), response_only=True, media_type=media
        )
        form = OpenApiTypes.OBJECT if media == "application/json" else OpenApiTypes.BINARY
        found[200, media] = OpenApiResponse(form, description="The document.", examples=[shown])
    return found


@extend_schema_serializer(examples=[OpenApiExample("An import", value=IMPORT, response_only=True)])
class ImportOut(serializers.ModelSerializer[Import]):
    """An import without its account."""

    by = serializers.CharField(source="by.username")
    into = serializers.SerializerMethodField(help_text="What it was used for; empty while it waits.")
    revision = serializers.IntegerField(source="revision.number", allow_null=True, default=None)

    class Meta:
        model = Import
        fields = ["id", "name", "format", "kind", "digest", "size", "by", "taken_at", "into", "revision"]

    def get_into(self, one: Import) -> str:
        if one.version:
            return f"{one.version.model.slug}/{one.version.number}"
        return one.dataset.slug if one.dataset else ""


class LeafOut(serializers.Serializer[Any]):
    """What became of one value of the file."""

    path = serializers.CharField(help_text="JSON pointer (RFC 6901).")
    outcome = serializers.CharField(help_text="`mapped`, `kept` or `dropped`.")
    value = serializers.JSONField(help_text="Whatever stood there, null too.")
    field = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)


@extend_schema_serializer(examples=[OpenApiExample("An import", value=IMPORT | ACCOUNT, response_only=True)])
class AccountOut(ImportOut):
    """An import with the account of every value."""

    subject = serializers.DictField(child=serializers.CharField(allow_blank=True))
    notes = serializers.ListField(child=serializers.CharField())
    counts = serializers.SerializerMethodField()
    report = LeafOut(many=True)

    class Meta(ImportOut.Meta):
        fields = [*ImportOut.Meta.fields, "subject", "notes", "counts", "report"]

    def get_counts(self, one: Import) -> dict[str, int]:
        outcomes = [leaf["outcome"] for leaf in one.report]
        return {outcome: outcomes.count(outcome) for outcome in ("mapped", "kept", "dropped")}


class ImportChoice(serializers.Serializer[Any]):
    """How to read the file, in the query string."""

    name = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="Of the file, when it is sent as it is."
    )
    read_as = serializers.ChoiceField(
        required=False,
        allow_blank=True,
        choices=list(formats.READERS),
        help_text="Recognised by content when not given.",
    )
    into = serializers.CharField(required=False, allow_blank=True, max_length=200, help_text="`model-slug/number` or the slug of a dataset; without it the import waits.")  # fmt: skip


class ImportIn(serializers.Serializer[Any]):
    """A file."""

    file = serializers.FileField()


@extend_schema_serializer(examples=[OpenApiExample("A version", value={"into": "credit-risk/3"})])
class UseIn(In):
    """What a waiting import is for."""

    into = serializers.CharField(max_length=200, help_text="`model-slug/number` or the slug of a dataset.")


def _rows(found: Any) -> Any:
    return found.select_related("by", "version__model", "dataset", "revision")


class Imports(Listing):
    """What was imported."""

    kind = Import
    needs = ""
    order = "-taken_at"
    serializer_class = ImportOut
    parser_classes = [MultiPartParser, RawFile]

    @described("imports_list", "List imports", "imports", {200: ImportOut(many=True)}, declines=(400, 401))
    def get(self, request: Request) -> Response:
        """What you imported, and what was imported for versions and datasets visible to you, newest first."""
        return self.rows(_rows(self.get_queryset()).defer("report", "unmapped", "proposals"))

    @described(
        "imports_take",
        "Import a file",
        "imports",
        {201: AccountOut},
        declines=WRITE,
        parameters=[ImportChoice],
        request={"multipart/form-data": ImportIn, "application/octet-stream": OpenApiTypes.BINARY},
    )
    def post(self, request: Request) -> Response:
        """Send the file as the field `file` of a form, or as it is. Answers with the account of every value."""
        chosen = self.chosen(ImportChoice)
        name, raw = _file(request, chosen.get("name", ""))
        about = named(chosen["into"], self.user) if "into" in chosen else None
        taken = imports.take(name=name, raw=raw, format=chosen.get("read_as", ""), about=about, by=self.user)
        return Response(AccountOut(taken).data, status=201)


def _file(request: Request, name: str) -> tuple[str, bytes]:
    """(name, bytes) of what was sent. What is too large is refused before it is read."""
    data: Any = request.data
    if isinstance(data, bytes):
        return name, data
    file = data.get("file")
    if not hasattr(file, "read"):
        raise Invalid(fields={"file": ["Send a file."]})
    if file.size > formats.MAX_BYTES:
        raise Invalid(
            fields={
                "file": [
                    f"The file has {file.size / 1e6:.1f} MB; at most {formats.MAX_BYTES / 1e6:.0f} MB are read."
                ]
            }
        )
    return file.name, file.read()


class OneImport(Door):
    """One import."""

    kind = Import
    needs = ""
    serializer_class = AccountOut

    @described("imports_read", "Read an import", "imports", {200: AccountOut})
    def get(self, request: Request, pk: int) -> Response:
        """The import with the account of every value in the file."""
        return Response(AccountOut(self.one(_rows(self.get_queryset()), pk=pk)).data)


class UseImport(Door):
    """Use an import that waits."""

    kind = Import
    needs = ""
    serializer_class = ImportOut
    parser_classes = [StorableJSON]

    @described("imports_use", "Use an import", "imports", {200: ImportOut}, declines=WRITE, request=UseIn)
    def post(self, request: Request, pk: int) -> Response:
        """Propose what the file says to a card or datasheet, as a new revision. Once for each import."""
        one = self.one(_rows(self.get_queryset()), pk=pk)
        about = named(self.given(UseIn)["into"], self.user)
        return Response(ImportOut(imports.use(one=one, about=about, by=self.user)).data)


class ExportCard(Door):
    """A card as a file."""

    kind = Version
    needs = ""

    @described(
        "card_export",
        "Export the card of a version",
        "documents",
        _file_of("card"),
        declines=READ,
        parameters=[OpenApiParameter("form", str, "path", enum=list(formats.writers("card")))],
    )
    def get(self, request: Request, slug: str, number: int, form: str) -> HttpResponse:
        """The latest revision of the card in this format."""
        return _download(visible_version(self.user, slug, number), form, self.user)


class ExportDatasheet(Door):
    """A datasheet as a file."""

    kind = Dataset
    needs = ""

    @described(
        "datasheet_export",
        "Export a datasheet",
        "documents",
        _file_of("datasheet"),
        declines=READ,
        parameters=[OpenApiParameter("form", str, "path", enum=list(formats.writers("datasheet")))],
    )
    def get(self, request: Request, slug: str, form: str) -> HttpResponse:
        """The latest revision of the datasheet in this format."""
        return _download(
            self.one(self.get_queryset().select_related("datasheet__head"), slug=slug), form, self.user
        )


def _download(about: Version | Dataset, form: str, reader: User) -> HttpResponse:
    content = formats.write(form, export_of(about, form, reader=reader))
    name = file_name(about, form)
    return HttpResponse(
        content,
        content_type=formats.WRITERS[form].media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
