"""Addresses of pages that are named by a slug, without asking the router a hundred times for a list."""

from __future__ import annotations

from functools import lru_cache

from django.urls import get_script_prefix, reverse

PLACE = "cardinal-slug"  # stands for the slug while the router is asked


def by_slug(name: str, slug: str) -> str:
    """What `reverse(name, args=[slug])` answers: a slug holds nothing that an address has to quote."""
    return _pattern(name, get_script_prefix()).replace(PLACE, slug)


@lru_cache(maxsize=64)
def _pattern(name: str, _prefix: str) -> str:
    return reverse(name, args=[PLACE])
