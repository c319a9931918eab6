"""W3C Trace Context: the caller's trace goes on, with a span of the gate's own between caller and model server."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable

# Of later versions more may follow after another hyphen; what is sent on is the version that is understood.
PARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?\Z"
)
MEMBER = re.compile(
    rb"[a-z0-9][a-z0-9_\-*/]{0,240}(?:@[a-z][a-z0-9_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}\Z"
)
MOST_BYTES, MOST_MEMBERS = 512, 32


def onward(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The trace headers that the model server gets: none when the caller sent none, a new trace for what cannot be read."""
    parents = [value for name, value in given if name == b"traceparent"]
    if not parents:
        return []
    found = PARENT.match(parents[0]) if len(parents) == 1 else None
    if found is None or (found["version"] == b"00" and found["more"]):
        return [(b"traceparent", b"00-%b-%b-00" % (uuid.uuid4().hex.encode(), _span()))]
    parent = b"00-%b-%b-0%d" % (found["trace"], _span(), int(found["flags"], 16) & 1)
    state = _state(value for name, value in given if name == b"tracestate")
    return [(b"traceparent", parent), *([(b"tracestate", state)] if state else [])]


def _span() -> bytes:
    return os.urandom(8).hex().encode()


def _state(values: Iterable[bytes]) -> bytes:
    """The members as they came, or nothing: a list that is too long or that cannot be read is left out whole."""
    joined = b",".join(values)
    members = [one.strip(b" \t") for one in joined.split(b",") if one.strip(b" \t")]
    if len(joined) > MOST_BYTES or len(members) > MOST_MEMBERS or not all(map(MEMBER.match, members)):
        return b""
    return b",".join(members)
