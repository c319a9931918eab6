"""The request as every page of the portal gets it: somebody is logged in, and htmx has left its mark.

The middleware makes sure of both (governance/settings.py); this class only tells the type checker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from registry.models import User


class PortalRequest(HttpRequest):
    """A request of a person who is logged in."""

    user: User
    htmx: HtmxDetails
