"""The bytes behind every digest: RFC 8785 canonical JSON and SHA-256."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

from registry.errors import Invalid

MAX_BYTES = 2_000_000
MAX_DEPTH = 24


class NotCanonical(Invalid):
    """The value has no canonical form here (a float, an integer of 2^53 or more, too deep, too large)."""


def canonical(value: Any) -> bytes:
    """RFC 8785 bytes of `value`. Floats are refused: their printed form differs between languages."""
    _check(value, 0)
    try:
        body: bytes = rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise NotCanonical(str(error)) from error
    if len(body) > MAX_BYTES:
        raise NotCanonical(f"The document has {len(body)} bytes; {MAX_BYTES} are allowed.")
    return body


def digest(body: bytes) -> str:
    """SHA-256 of the stored bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()


def parse(body: bytes | memoryview[int]) -> Any:
    """The value that `canonical` wrote."""
    return json.loads(bytes(body))


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise NotCanonical(f"The document is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(value, float):
        raise NotCanonical("Decimal numbers are kept as text.")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise NotCanonical("Keys are ASCII text.")
            _check(inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _check(inner, depth + 1)
    elif isinstance(value, str) and "\x00" in value:
        raise NotCanonical("Text with a NUL character cannot be stored; remove it.")
