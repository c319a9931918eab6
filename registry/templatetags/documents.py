"""The way to a page of a card or a datasheet, the same from every such page."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from registry.models import Dataset, Version

register = template.Library()


@register.inclusion_tag("components/breadcrumbs.html")
def document_breadcrumbs(about: Version | Dataset, *here: str) -> dict[str, Any]:
    """Model, version and card, or dataset and datasheet; then the labels of this page. Makes no query."""
    if isinstance(about, Version):
        model, place = about.model, [about.model.slug, about.number]
        trail = [
            ("Models", reverse("models")),
            (model.name, model.get_absolute_url()),
            (f"Version {about.number}", about.get_absolute_url()),
            ("Card", reverse("version-card", args=place)),
        ]
    else:
        sheet = about.datasheet.get_absolute_url() if hasattr(about, "datasheet") else ""
        trail = [
            ("Datasets", reverse("datasets")),
            (about.name, about.get_absolute_url()),
            ("Datasheet", sheet),
        ]
    return {"trail": [*trail, *((label, "") for label in here)]}
