"""Reads queries, and remembers how it understood them: callers ask the same again and again.

A reading depends on the address, the method, the peer and the headers in `JUDGED`, and on nothing else that a caller sends.
Two requests that agree in all of these are understood alike, so the second is looked up. The token and the request's own id
are no part of what is remembered; they are read each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.gate import fronts
from governance.gate.origin import NOBODY, Origins
from governance.gate.reasons import Refused
from governance.gate.request import JUDGED, Query, identity, read, token

ROOM = 4_096  # readings
LONGEST = 2_048  # bytes of what is judged; longer requests are read anew each time

_Key = tuple[Any, ...]


class Reader:
    """How one gate reads: the longest body, who may speak for others, and whose contract counts at /check."""

    def __init__(self, body_limit: int, origins: Origins = NOBODY, front: str = fronts.ANY) -> None:
        self._limits = body_limit, origins, front
        self._known: dict[_Key, Query] = {}

    def read(self, scope: Mapping[str, Any]) -> Query:
        """The query in an ASGI request; see `request.read`, whose answer it always is."""
        client = scope["client"]
        given: bytes | None = None  # an empty one is one as well
        bearer: bytes | None = None
        parts = [scope["raw_path"], scope["query_string"], scope["method"], client and client[0]]
        size = 0
        for pair in scope["headers"]:
            name = pair[0]
            if name in JUDGED:
                parts.append(pair)
                size += len(pair[1])
            elif name == b"authorization" and bearer is None:
                bearer = pair[1]
            elif name == b"x-request-id" and given is None:
                given = pair[1]
            elif name in (b"authorization", b"x-request-id"):
                return read(scope, *self._limits)
        key = tuple(parts)
        known = self._known.get(key)
        if known is None:
            known = read(scope, *self._limits)
            if not known.refusal and known.token and size + len(scope["raw_path"]) <= LONGEST:
                self._remember(key, known)
            return known
        query = known.again(identity(given or b""))
        try:
            query.token = token(bearer or b"")
        except Refused as refusal:
            query.refusal = str(refusal)
        return query

    def _remember(self, key: _Key, query: Query) -> None:
        if len(self._known) >= ROOM:  # a flood of different ones: the usual are soon here again
            self._known.clear()
        self._known[key] = query.again("")
