"""The bill of materials of a version: everything that went into it, on one page and as a table to take away."""

from __future__ import annotations

import csv

from django.http import HttpResponse
from django.shortcuts import render

from governance.views.models import frame
from governance.views.tabs import find_version
from registry.lineage import bom
from registry.request import PortalRequest

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


def page(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """Files, packages, data, code, base models, pipeline, and where all of it is used."""
    one = find_version(request, slug, number)
    context = frame(one, "version-bom") | {"bom": bom.of(one, request.user)}
    return render(request, "governance/version_bom.html", context)


def table(request: PortalRequest, slug: str, number: int) -> HttpResponse:
    """The same as CSV (RFC 4180), one line for each thing. What a spreadsheet would run as a formula is quoted by `'`."""
    one = find_version(request, slug, number)
    name = f"{one.model.slug}-v{one.number}-bom.csv"
    answer = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
    writer = csv.writer(answer)
    for row in bom.rows(bom.of(one, request.user)):
        writer.writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in row])
    return answer
