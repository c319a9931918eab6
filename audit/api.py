"""Memory by REST: reports, and the trail."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit import phrases
from audit.actions import reports as verbs
from audit.models import Entry, Report
from registry.api.doors import Door, Listing, visible_version
from registry.api.problems import described

REPORT = {
    "id": "7a0d3c55-51b4-4f0b-8f53-8c8a5b3f1d10",
    "model": "credit-risk",
    "version": 3,
    "state": "rendering",
    "percent": 40,
    "step": "Drawing",
    "problem": "",
    "snapshot": "be11" * 16,
    "sha256": "",
    "pages": None,
    "size_bytes": None,
    "ordered_by": "auditor",
    "ordered_at": "2026-11-23T12:00:00Z",
    "ended_at": None,
}
DIGEST = "3b1c" * 16
ENTRY = {
    "id": "3b6c5d7e-7c1d-4c43-9f0b-2a5c3e9d7f10",
    "at": "2026-11-21T09:30:00Z",
    "kind": "revision.saved",
    "actor": "owner",
    "sentence": "owner saved Model card of credit-risk v3, revision 4 (3b1c3b1c3b1c).",
    "facts": {"digest": DIGEST, "note": ""},
    "subjects": ["registry.revision:41", "registry.version:12", "registry.model:4"],
    "request": "7f0c9b6e",
    "digest": "d1ce" * 16,
}


class TrailFilter(serializers.Serializer[Any]):
    """Which entries."""

    kind = serializers.ChoiceField(choices=sorted(phrases.PHRASES), required=False, allow_blank=True)
    actor = serializers.CharField(
        required=False, allow_blank=True, max_length=150, help_text="Name of an account."
    )
    about = serializers.RegexField(
        r"^[a-z]+\.[a-z]+:[0-9a-f-]{1,36}$",
        required=False,
        allow_blank=True,
        help_text="An object as entries name it, such as registry.version:12.",
    )
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class ReportFilter(serializers.Serializer[Any]):
    """Which reports."""

    model = serializers.SlugField(
        required=False, allow_blank=True, max_length=120, help_text="Slug of a model."
    )
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    state = serializers.ChoiceField(choices=Report.State.choices, required=False, allow_blank=True)
    sha256 = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, allow_blank=True, help_text="Digest of a file."
    )


@extend_schema_serializer(
    examples=[OpenApiExample("A report", value=REPORT, response_only=True, status_codes=["200", "202"])]
)
class ReportOut(serializers.ModelSerializer[Report]):
    """A report, on its way or ready. `snapshot` is the digest of its evidence, `sha256` that of the file."""

    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    snapshot = serializers.CharField(source="snapshot.digest", default=None, allow_null=True)
    ordered_by = serializers.CharField(source="ordered_by.username")

    class Meta:
        model = Report
        fields = [
            "id", "model", "version", "state", "percent", "step", "problem", "snapshot", "sha256", "pages",
            "size_bytes", "ordered_by", "ordered_at", "ended_at",
        ]  # fmt: skip


@extend_schema_serializer(examples=[OpenApiExample("An entry", value=ENTRY, response_only=True)])
class EntryOut(serializers.ModelSerializer[Entry]):
    """One event, as it stands in the trail. `digest` is the SHA-256 of the stored bytes."""

    at = serializers.DateTimeField(source="created_at")
    subjects = serializers.ListField(child=serializers.CharField())
    sentence = serializers.SerializerMethodField()
    facts = serializers.SerializerMethodField()
    request = serializers.CharField(source="facts.request", allow_blank=True)
    digest = serializers.CharField()

    class Meta:
        model = Entry
        fields = ["id", "at", "kind", "actor", "sentence", "facts", "subjects", "request", "digest"]

    def get_sentence(self, entry: Entry) -> str:
        """One whose kind this release does not know is still told, by its kind."""
        try:
            return phrases.sentence(entry.facts)
        except phrases.UnknownEvent:
            return f"{entry.actor}: {entry.kind}."

    def get_facts(self, entry: Entry) -> dict[str, Any]:
        facts: dict[str, Any] = entry.facts["facts"]
        return facts


class Pdf(BaseRenderer):
    """Lets a client ask for application/pdf; the view answers with the file itself."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


class OrderReport(Door):
    """Reports on a version."""

    kind = Report
    needs = ""
    writes_as = "report"
    serializer_class = ReportOut

    @described(
        "reports_order", "Order a report", "reports", {202: ReportOut}, declines=(401, 403, 404), request=None
    )
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Ask a worker for a report on this version. Follow `Location` until its state is `ready`."""
        report = verbs.order(version=visible_version(self.user, slug, number), by=self.user)
        there = reverse("api-report", args=[report.pk])
        return Response(ReportOut(report).data, status=202, headers={"Location": there, "Retry-After": "2"})


class Reports(Listing):
    """Reports that were ordered."""

    kind = Report
    needs = ""
    order = "-ordered_at"
    serializer_class = ReportOut

    @described(
        "reports_list",
        "List reports",
        "reports",
        {200: ReportOut(many=True)},
        declines=(400, 401),
        parameters=[ReportFilter],
    )
    def get(self, request: Request) -> Response:
        """Reports on what is shared with you, newest first. By `sha256` one finds which report a file is."""
        columns = {"model": "version__model__slug", "version": "version__number"}
        chosen = {columns.get(name, name): value for name, value in self.chosen(ReportFilter).items()}
        rows = self.get_queryset().select_related("version__model", "ordered_by", "snapshot")
        return self.rows(rows.filter(**chosen))


class OneReport(Door):
    """A report by its id."""

    kind = Report
    needs = ""
    serializer_class = ReportOut

    @described("reports_read", "Read a report", "reports", {200: ReportOut})
    def get(self, request: Request, pk: str) -> Response:
        """How far a report is, what it is made from, and the digest of the file."""
        rows = self.get_queryset().select_related("version__model", "ordered_by", "snapshot")
        return Response(ReportOut(self.one(rows, pk=pk)).data)


class ReportFile(Door):
    """The file of a report."""

    kind = Report
    needs = ""
    serializer_class = ReportOut
    renderer_classes = [Pdf, JSONRenderer]

    @described(
        "reports_download",
        "Download a report",
        "reports",
        {(200, "application/pdf"): OpenApiResponse(OpenApiTypes.BINARY, description="The document.")},
        declines=(401, 403, 404, 409),
        parameters=[OpenApiParameter("format", exclude=True)],
    )
    def get(self, request: Request, pk: str) -> HttpResponse:
        """The finished document. Each download stands in the trail."""
        report = self.one(self.get_queryset().select_related("version__model"), pk=pk)
        content = verbs.download(report=report, by=self.user)
        name = f"{report.version.model.slug}-v{report.version.number}-{report.sha256[:12]}.pdf"
        return HttpResponse(
            content,
            content_type="application/pdf",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "ETag": f'"{report.sha256}"',
                "Cache-Control": "private, no-store",
            },
        )


class Trail(Listing):
    """What happened, newest first."""

    kind = Entry
    needs = ""
    order = "-created_at"
    serializer_class = EntryOut

    @described(
        "trail_list",
        "Read the trail",
        "trail",
        {200: EntryOut(many=True)},
        declines=(400, 401),
        parameters=[TrailFilter],
    )
    def get(self, request: Request) -> Response:
        """All that happened for those who may read the trail; their own deeds for everybody else."""
        columns = {"since": "created_at__gte", "until": "created_at__lt"}
        chosen = self.chosen(TrailFilter)
        about = chosen.pop("about", "")
        found = self.get_queryset().filter(
            **{columns.get(name, name): value for name, value in chosen.items()}
        )
        return self.rows(found.filter(subjects__contains=[about]) if about else found)
