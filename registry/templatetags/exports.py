"""The menu of formats in which a card or a datasheet can leave."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from registry import formats
from registry.models import Dataset, Version

register = template.Library()


@register.inclusion_tag("registry/export_menu.html")
def export_menu(about: Version | Dataset) -> dict[str, Any]:
    """Every format for the document about `about`, as links."""
    if isinstance(about, Version):
        kind, name, place = "card", "card-export", [about.model.slug, about.number]
    else:
        kind, name, place = "datasheet", "datasheet-export", [about.slug]
    links = [(one.label, reverse(name, args=[*place, key])) for key, one in formats.writers(kind).items()]
    return {"links": links, "kind": kind}


@register.filter
def format_label(name: str) -> str:
    """The name of a format as its readers call it."""
    return formats.READERS[name].label if name in formats.READERS else name
