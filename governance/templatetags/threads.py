"""Comments beside the fields of a document, for pages of every floor: a page of facts names this by string only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from governance.margin import Margin, Note, margin_of
from governance.permissions import may_comment
from registry.models import Revision

register = template.Library()


@register.simple_tag
def margin(revision: Revision | None) -> Margin | None:
    """What was said about this revision and those before it; nothing before the first revision."""
    return margin_of(revision) if revision else None


@register.simple_tag(takes_context=True)
def comments_here(context: Mapping[str, Any]) -> bool:
    """Whether whoever reads the page may comment."""
    return bool(may_comment(context["request"].user))


@register.filter
def at(found: Margin | None, path: str) -> list[Note]:
    """The threads at a field."""
    return found.by_path.get(path, []) if found else []


@register.filter
def open_at(found: Margin | None, path: str) -> int:
    """How many open threads stand at a field, or in a whole section."""
    if not found:
        return 0
    if "." in path:
        return found.open_paths.get(path, 0)
    return sum(count for place, count in found.open_paths.items() if place.partition(".")[0] == path)
