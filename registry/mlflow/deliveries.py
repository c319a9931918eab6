"""Webhooks of MLflow as they come in: who signed them, when, and which model they are about.

The signature is HMAC-SHA256 with the shared secret over "{delivery id}.{timestamp}.{raw body}", in Base64 behind "v1,"
(as Standard Webhooks, under MLflow's own header names).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass

TOLERANCE_SECONDS = 300
LARGEST_BYTES = 262_144
LONGEST_NAME = 256
STORABLE = re.compile("[^\x00\ud800-\udfff]*")  # what PostgreSQL holds
DELIVERY_ID = re.compile(r"[\x21-\x7e]{1,100}\Z")


class Unsigned(Exception):
    """The delivery does not prove where it comes from. The sentence never says which part was wrong to a stranger."""


@dataclass(frozen=True)
class Told:
    """What a delivery is about: an event, and the model to read again."""

    event: str
    model: str


def verify(body: bytes, *, delivery_id: str, timestamp: str, signature: str, secret: str, now: float) -> None:
    """Raise `Unsigned` unless whoever knows `secret` signed this body under this id within the last five minutes."""
    if not secret or not DELIVERY_ID.match(delivery_id) or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Unsigned("The signature is missing or not complete.")
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    mine = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    given = [part[3:] for part in signature.split(" ") if part.startswith("v1,")]
    matches = [hmac.compare_digest(mine.encode(), one.encode("utf-8", "replace")) for one in given[:5]]
    if not any(matches):
        raise Unsigned("The signature does not match.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise Unsigned("The delivery is too old, or from the future. Set the clocks of both servers.")


def about(body: bytes) -> Told:
    """What a delivery is about; `ValueError` when it is not one of MLflow's."""
    payload = json.loads(body)
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or not data["name"]:
        raise ValueError("no model is named")
    event, model = f"{payload.get('entity', '')}.{payload.get('action', '')}", data["name"]
    if len(model) > LONGEST_NAME or not STORABLE.fullmatch(model) or not STORABLE.fullmatch(event):
        raise ValueError("no model has such a name")
    return Told(event, model)


def waiting_key(server_id: int, model: str) -> str:
    """Where it stands that a worker will read this model again: until then further hooks need no task."""
    return f"reread:{server_id}:{hashlib.sha256(model.encode()).hexdigest()}"
