"""What a path asks for: which model, which version of it, which action. Only what matches completely is a path."""

from __future__ import annotations

import re
from typing import Any

from governance.gate.reasons import Refused

CHAMPION = "champion"

MODEL_PATH = re.compile(
    rb"/models/(?P<model>[a-z0-9][a-z0-9_-]{0,119})"
    rb"(?:@(?P<alias>[A-Za-z0-9_-]{1,255})|/versions/(?P<number>[1-9][0-9]{0,8}))?/invocations\Z"
)


def target(path: bytes, method: str) -> dict[str, Any]:
    """The fields of a `Query` that its path gives; an empty `method` is one that nobody named."""
    found = MODEL_PATH.match(path)
    if not found:
        raise Refused("path_refused")
    if method not in ("", "POST"):
        raise Refused("method_refused")
    model = found["model"].decode()
    if found["number"]:
        return {"model": model, "number": int(found["number"]), "alias": "", "named": True}
    if found["alias"]:
        return {"model": model, "alias": found["alias"].decode(), "named": True}
    return {"model": model}
