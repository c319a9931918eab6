"""The gate's decisions of a day as a picture."""

from __future__ import annotations

import base64
from datetime import timedelta
from hashlib import sha256

from django.db.models import Count, Q
from django.db.models.functions import TruncHour
from django.http import HttpResponse
from django.utils import timezone

from audit import charts
from governance.models import Decision
from registry.permissions import require
from registry.request import PortalRequest

HOURS = 24
HOUR = timedelta(hours=1)
# A picture in an <img> inherits no style sheet: it carries its own, and its content policy names exactly that one.
STYLE = (
    ":root{color-scheme:light dark;color:light-dark(#1a1a22,#ececf2);"
    'font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}'
)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)


def chart(request: PortalRequest) -> HttpResponse:
    """Visible decisions of the last 24 hours, allowed and refused, as stacked bars per hour (SVG)."""
    require(request.user, "governance.view_decision")
    last = timezone.now().replace(minute=0, second=0, microsecond=0)
    hours = [last - HOUR * back for back in range(HOURS, -1, -1)]
    rows = Decision.objects.visible_to(request.user).filter(decided_at__gt=timezone.now() - HOUR * HOURS)
    counted = {
        row["hour"]: (row["allowed"], row["refused"])
        for row in rows.annotate(hour=TruncHour("decided_at"))
        .values("hour")
        # Refusals first: once the count is called "allowed", that name no longer means the column.
        .annotate(refused=Count("pk", filter=Q(allowed=False)), allowed=Count("pk", filter=Q(allowed=True)))
    }
    series = [
        (name, [counted.get(hour, (0, 0))[place] for hour in hours])
        for place, name in enumerate(("Allowed", "Refused"))
    ]
    told = ", ".join(f"{sum(values)} {name.lower()}" for name, values in series)
    drawn = charts.bars("Decisions per hour", told, [f"{hour:%H}:00" for hour in hours], series)
    head, body = drawn.split(">", 1)
    answer = HttpResponse(f"{head}><style>{STYLE}</style>{body}", content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
