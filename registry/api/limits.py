"""How often one account may ask: a generous ceiling against a loop that ran away (RFC 6585, 4)."""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.throttling import BaseThrottle

WINDOW = 60  # seconds


class PerAccount(BaseThrottle):
    """At most API_REQUESTS_PER_MINUTE requests of an account in each minute of the clock, counted in the cache."""

    left = 0
    reset = WINDOW

    def allow_request(self, request: Any, view: Any) -> bool:
        now = int(time.time())
        limit = request.user.limit  # a token is counted for itself: one that ran away stops no other
        name = f"api-requests:{limit.key if limit else request.user.pk}:{now // WINDOW}"
        cache.add(name, 0, timeout=2 * WINDOW)
        self.left = settings.API_REQUESTS_PER_MINUTE - cache.incr(name)
        self.reset = WINDOW - now % WINDOW
        return self.left >= 0

    def wait(self) -> float:
        return float(self.reset)

    def headers(self) -> dict[str, str]:
        """What is left, for whoever wants to slow down in time (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"account";q={settings.API_REQUESTS_PER_MINUTE};w={WINDOW}',
            "RateLimit": f'"account";r={max(0, self.left)};t={self.reset}',
        }


class PerNetwork(PerAccount):
    """For doors without an account: at most 30 requests a minute from one address; of IPv6 from one /64, which is what one
    customer is given.
    """

    MOST = 30

    def address(self, request: Any) -> str:
        """Who asks, as far as that is known here: the peer of the connection."""
        return str(request.META.get("REMOTE_ADDR", ""))

    def _counted(self, request: Any) -> str:
        try:
            found = ip_address(self.address(request))
        except ValueError:
            return ""
        return str(ip_network((found, 64), strict=False) if found.version == 6 else found)

    def allow_request(self, request: Any, view: Any) -> bool:
        now = int(time.time())
        name = f"api-requests:from:{self._counted(request)}:{now // WINDOW}"
        cache.add(name, 0, timeout=2 * WINDOW)
        self.left = self.MOST - cache.incr(name)
        self.reset = WINDOW - now % WINDOW
        return self.left >= 0

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"network";q={self.MOST};w={WINDOW}',
            "RateLimit": f'"network";r={max(0, self.left)};t={self.reset}',
        }
