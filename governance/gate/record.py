"""What the journal holds of a decision: its fields, the digest over them, and the line that COPY takes."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from governance.gate.database import EPOCH
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
    """All that decisions of one kind have in common, written once: the pieces of JSON and line between what is `OWN`."""

    json: tuple[str, ...]
    line: tuple[str, ...]


def frame(answer: Answer) -> Frame:
    """The frame of this answer and of all that differ from it in nothing but what is `OWN`."""
    fields = {name: _form(value) for name, value in fields_of(answer, "").items()} | dict.fromkeys(OWN, "\0")
    text = _json(fields | {"payload_bytes": None}).replace('"payload_bytes":null', '"payload_bytes":\\u0000')
    line = "\t".join(_cell(fields[name]) for name in FIELDS) + "\t"
    return Frame(tuple(text.split("\\u0000")), tuple(line.split("\0")))


def written(answer: Answer, batch: str) -> tuple[str, bytes]:
    """The line of COPY's text format, and the digest that it ends with."""
    query = answer.query
    network, purpose, asked, size = query.network, query.purpose, query.request_id, query.payload_bytes
    if not PLAIN.match(f"{network}{purpose}{asked}"):
        return _spelled_out(answer, batch)
    if answer.frame is None:
        answer.frame = frame(answer)
    at, own, length = moment(answer.at), answer.id, "null" if size is None else size
    a, b, c, d, e, f, g, h = answer.frame.json
    text = f"{a}{batch}{b}{at}{c}{own}{d}{network}{e}{length}{f}{purpose}{g}{asked}{h}"
    digest = sha256(text.encode())
    if size is None:
        length = "\\N"
    a, b, c, d, e, f, g, h = answer.frame.line
    line = f"{a}{own}{b}{batch}{c}{at}{d}{asked}{e}{network}{f}{purpose}{g}{length}{h}{digest.hexdigest()}\n"
    return line, digest.digest()


def moment(microseconds: int) -> str:
    """The same form of a time since 1970."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


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
        "decided_at": EPOCH + timedelta(microseconds=answer.at),
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
