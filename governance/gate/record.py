"""What the journal holds of a decision: its fields, the digest over them, and the line that COPY takes."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from governance.gate.decide import Answer

# Every column of a decision but its digest, in the order of the COPY. Rows of the first form had no more than these.
FIRST = (
    "id",
    "batch",
    "decided_at",
    "allowed",
    "reason",
    "environment",
    "model",
    "version",
    "action",
    "caller",
    "token",
    "method",
    "door",
    "request_id",
)
FIELDS = (*FIRST, "network", "purpose", "payload_bytes", "form")
FORM = 2
COLUMNS = (*("batch_id" if name == "batch" else name for name in FIELDS), "digest")
# What differs from one decision of a kind to the next.
OWN = ("batch", "decided_at", "id", "network", "payload_bytes", "purpose", "request_id")
PLAIN = re.compile(r"[0-9A-Za-z.:_ -]*\Z", re.ASCII)


def record_digest(fields: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, of the RFC 8785 JSON of one decision. The exact form follows.

    One object with the keys of `FIELDS` and no others; `id` and `batch` as UUIDs in lower-case text; `decided_at` as
    UTC with six digits, 2026-11-23T07:38:39.000120Z; `allowed` true or false; `version` and `payload_bytes` a number or
    null; `form` the number 2; all else text. Rows whose `form` is 1, written before there were network, purpose and
    size: the keys of `FIRST` and no others.

    Keys are ASCII and there is no float, so sorted compact JSON is the canonical form; a test compares the two.
    """
    names = FIRST if fields.get("form") == 1 else FIELDS
    return sha256(_json({name: _form(fields[name]) for name in names}).encode()).hexdigest()


def stamp(moment: datetime) -> str:
    """The form of a time within a digest."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


@dataclass(frozen=True, slots=True)
class Frame:
    """All that decisions of one kind have in common, written once: JSON and line with places for what is `OWN`."""

    json: str
    line: str


def frame(answer: Answer) -> Frame:
    """The frame of this answer and of all that differ from it in nothing but what is `OWN`."""
    place = {name: f"\0{name}\0" for name in OWN}
    fields = {name: _form(value) for name, value in fields_of(answer, "").items()} | place
    text = _json(fields).replace("%", "%%")
    cells = "\t".join(_cell(fields[name]) for name in FIELDS).replace("%", "%%")
    for name in OWN:
        mark = f'"\\u0000{name}\\u0000"' if name == "payload_bytes" else f"\\u0000{name}\\u0000"
        text = text.replace(mark, f"%({name})s")
        cells = cells.replace(place[name], f"%({name})s")
    return Frame(text, cells + "\t")


def written(answer: Answer, batch: str) -> tuple[str, bytes]:
    """The line of COPY's text format, and the digest that it ends with."""
    query = answer.query
    size = query.payload_bytes
    if not PLAIN.match(f"{query.network}{query.purpose}{query.request_id}"):
        return _spelled_out(answer, batch)
    if answer.frame is None:
        answer.frame = frame(answer)
    own = {
        "batch": batch,
        "decided_at": stamp(answer.at),
        "id": answer.id,
        "network": query.network,
        "payload_bytes": "null" if size is None else size,
        "purpose": query.purpose,
        "request_id": query.request_id,
    }
    digest = sha256((answer.frame.json % own).encode())
    if size is None:
        own["payload_bytes"] = "\\N"
    return f"{answer.frame.line % own}{digest.hexdigest()}\n", digest.digest()


def _spelled_out(answer: Answer, batch: str) -> tuple[str, bytes]:
    fields = fields_of(answer, batch)
    digest = record_digest(fields)
    return "\t".join(_cell(fields[name]) for name in FIELDS) + f"\t{digest}\n", bytes.fromhex(digest)


def fields_of(answer: Answer, batch: str) -> dict[str, Any]:
    """The fields of a decision by their names."""
    query = answer.query
    return {
        "id": answer.id,
        "batch": batch,
        "decided_at": answer.at,
        "allowed": answer.allowed,
        "reason": answer.reason,
        "environment": answer.environment,
        "model": query.model,
        "version": answer.version,
        "action": query.action,
        "caller": answer.caller,
        "token": answer.token,
        "method": query.method,
        "door": query.door,
        "request_id": query.request_id,
        "network": query.network,
        "purpose": query.purpose,
        "payload_bytes": query.payload_bytes,
        "form": FORM,
    }


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _form(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return str(value) if isinstance(value, uuid.UUID) else value


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _cell(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return stamp(value)
    return str(value).translate(_ESCAPES)
