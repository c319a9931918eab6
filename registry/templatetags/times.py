"""Moments for the eye and for machines."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

STAMP = re.compile(r"\b(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d) UTC\b")


def relative(value: datetime, now: datetime) -> str:
    """How far a moment lies from now, in words; beyond thirty days the date itself says more."""
    seconds = (value - now).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return "just now"
    for size, word, limit in ((60, "minute", 60), (3600, "hour", 24), (86400, "day", 30)):
        count = max(1, round(distance / size))
        if count < limit:
            phrase = f"{count} {word}{'' if count == 1 else 's'}"
            return f"{phrase} ago" if seconds < 0 else f"in {phrase}"
    return f"{value.day} {value:%b %Y}"


def when(value: datetime | date | None, missing: str = "never") -> SafeString:
    """A moment in relative words, with the exact UTC time on hover and in the markup; a date stays a date."""
    if value is None:
        return format_html('<span class="muted">{}</span>', missing)
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), f"{value.day} {value:%b %Y}")
    aware = value if timezone.is_aware(value) else value.replace(tzinfo=UTC)
    exact = aware.astimezone(UTC)
    # Digits and our own words: nothing to escape, on a hundred moments of a list.
    return SafeString(
        f'<time datetime="{exact.isoformat(timespec="seconds")}" title="{exact:%Y-%m-%d %H:%M:%S} UTC" data-when>'
        f"{relative(exact, timezone.now())}</time>"
    )


def timed(text: object) -> SafeString:
    """A sentence with every time in it marked as one, for machines and for the eye."""
    return SafeString(STAMP.sub(r'<time datetime="\1T\2Z">\1 \2 UTC</time>', escape(text)))
