"""A limit on guessing: ten wrong passwords for a name, or a hundred from an address, within a quarter of an hour."""

from __future__ import annotations

import hashlib

from django.core.cache import cache

TRIES = {"name": 10, "from": 100}  # many people may share one address
WINDOW = 15 * 60  # seconds


def used_up(kind: str, whose: str) -> bool:
    """Whether no try is left for this name or address."""
    return bool(cache.get(_key(kind, whose), 0) >= TRIES[kind])


def failed(kind: str, whose: str) -> None:
    """One more wrong try. The window begins with the first."""
    if not cache.add(_key(kind, whose), 1, timeout=WINDOW):
        cache.incr(_key(kind, whose))


def _key(kind: str, whose: str) -> str:
    return f"login:{kind}:{hashlib.sha256(whose.encode()).hexdigest()}"
