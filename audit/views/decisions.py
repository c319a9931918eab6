"""The gate's decisions over time as pictures."""

from __future__ import annotations

import base64
from hashlib import sha256

from django.http import HttpResponse
from django.utils import timezone

from audit import charts
from governance.finding.decisions import TooMany, TooSlow, chosen, within_patience
from governance.finding.traffic import Course, course
from registry.errors import Conflict
from registry.permissions import require
from registry.request import PortalRequest

# A picture in an <img> inherits no style sheet: it carries its own, and its content policy names exactly that one.
STYLE = (
    ":root{color-scheme:light dark;color:light-dark(#1a1a22,#ececf2);"
    'font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}'
)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)


def chart(request: PortalRequest) -> HttpResponse:
    """Visible decisions that fit the filters, allowed and refused, as stacked bars (SVG)."""
    require(request.user, "governance.view_decision")
    asked = chosen(request.GET)
    try:
        with within_patience(asked):
            found = course(request.user, asked, timezone.now())
    except (TooMany, TooSlow) as error:
        raise Conflict("So many decisions cannot be counted at once. Choose a shorter time.") from error
    return _picture(found)


def _picture(found: Course) -> HttpResponse:
    series = [
        ("Allowed", [bar.allowed for bar in found.bars]),
        ("Refused", [bar.refused for bar in found.bars]),
    ]
    told = ", ".join(f"{sum(values)} {name.lower()}" for name, values in series)
    labels = [found.label(bar) for bar in found.bars]
    drawn = charts.bars(f"Decisions per {found.step}", told, labels, series)
    head, body = drawn.split(">", 1)
    answer = HttpResponse(f"{head}><style>{STYLE}</style>{body}", content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
