"""Figures: taken in from a form, given out to whoever may see a document that shows them."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404

from registry import pictures
from registry.actions import figures as verbs
from registry.documents.outline import outline
from registry.errors import Invalid
from registry.models import Figure, User
from registry.request import PortalRequest

POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
YEAR_SECONDS = 31_536_000


def figure(request: PortalRequest, digest: str) -> HttpResponse:
    """The picture with this digest. Its bytes never change, so a browser may keep it, for this person alone."""
    one = get_object_or_404(Figure.objects.visible_to(request.user), pk=digest)
    etag = f'"{one.digest}"'
    kept = {"ETag": etag, "Cache-Control": f"private, max-age={YEAR_SECONDS}, immutable"}
    if request.headers.get("If-None-Match") == etag:
        return HttpResponse(status=304, headers=kept)
    return HttpResponse(
        verbs.bytes_of(figure=one),
        content_type=one.media_type,
        headers=kept
        | {
            "Content-Security-Policy": POLICY,
            "Content-Disposition": f'inline; filename="{one.digest[:12]}.{one.media_type.partition("/")[2]}"',
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        },
    )


def take_uploads(kind: str, data: QueryDict, files: Any, *, by: User) -> dict[str, list[str]]:
    """Keep each uploaded picture and write it into `data` as a row of its field; path → what is wrong with one."""
    refused = {}
    for field in outline(kind).fields():
        upload = files.get(f"{field.path}-upload") if field.kind == "figures" else None
        if not isinstance(upload, UploadedFile):
            continue
        try:
            kept = verbs.attach(data=pictures.read(upload, upload.size or 0), by=by)
        except Invalid as error:
            refused[field.path] = [sentence for many in error.fields.values() for sentence in many]
            continue
        place = sum(key.startswith(f"{field.path}-") and key.endswith("-digest") for key in data)
        row = f"{field.path}-{place}"
        data[f"{row}-digest"] = kept.digest
        for part in ("caption", "alt"):
            data[f"{row}-{part}"] = data.get(f"{field.path}-new-{part}", "")
            data[f"{field.path}-new-{part}"] = ""
    return refused
