"""A write that is sent twice is done once: the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header).

The answer is kept for a day in the transaction of the write itself: either both are there or neither is. A crash or a
failure (5xx) undoes both, and the key is free again. What is answered before anything was attempted (401, 406, 429, a
role that is missing for the whole view) keeps nothing either. Every other refusal (4xx) is an outcome like success and
is repeated: a client that lost the answer must learn that one, not start the write a second time under circumstances
that have changed since. Whoever mends what was refused sends another body, and needs another key.

While the first request runs, an advisory lock of its transaction turns the second away. An answer with "no-store"
showed a secret; its body is not kept, and a repetition is told so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import APIException, ParseError
from rest_framework.request import Request

from registry.errors import Invalid
from registry.models import KeptAnswer, User

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
RAW = ("application/octet-stream", "image/jpeg", "image/png")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
KEPT_FOR = timedelta(hours=24)
LONGEST = 255
# A string of structured fields (RFC 9651, 3.3.3), or a bare token such as a UUID.
STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
BARE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:/=@]+")
# What changes the meaning of a request besides its body.
PART_OF_IT = ("Content-Type", "If-Match", "If-None-Match", "Accept")
TOLD_AGAIN = ("Content-Type", "Location", "ETag", "Retry-After", "Cache-Control", "Content-Disposition")


class StillRunning(APIException):
    """The first request with this key has not been answered yet."""

    status_code = 409
    default_detail = "A request with this Idempotency-Key is still being carried out: ask again in a moment."
    wait = 1  # DRF makes Retry-After of it


class AnotherRequest(APIException):
    """The key was used for something else."""

    status_code = 422
    default_detail = (
        "This Idempotency-Key was used for another request: send that one again as it was, or use a new key."
    )


class ToldOnce(APIException):
    """It was done, and its answer showed a secret."""

    status_code = 409
    default_detail = (
        "This was done already, and its answer showed a secret, which is shown once and not kept. "
        "If the secret was lost, end what was made (see Location) and make a new one with a new key."
    )

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place


class Replayed(Exception):
    """Not an error: the answer stands already."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer


@dataclass(frozen=True)
class Attempt:
    """A write with a key, of which nothing is kept yet."""

    user: User
    place: str
    method: str
    path: str
    fingerprint: str


def asked(request: HttpRequest) -> bool:
    """Whether this is a write that wants to be done once."""
    return request.method in WRITES and HEADER in request.headers


def begin(request: Request, user: User) -> Attempt:
    """The attempt, if it is the first; else `Replayed`, or why it cannot be answered. Holds a lock from here on."""
    key = _key(request.headers[HEADER])
    method, path = str(request.method), request.path
    place = _digest(method, path, key)
    attempt = Attempt(user, place, method, path, _fingerprint(request))
    if not _alone(user, place):
        raise StillRunning
    kept = KeptAnswer.objects.filter(user=user, place=place).first()
    if kept is None:
        return attempt
    if kept.expires_at <= timezone.now():
        kept.delete()
        return attempt
    if kept.fingerprint != attempt.fingerprint:
        raise AnotherRequest
    if kept.body is None:
        raise ToldOnce(kept.headers.get("Location", ""))
    raise Replayed(
        HttpResponse(bytes(kept.body), status=kept.status, headers=kept.headers | {REPLAYED: "true"})
    )


def keep(attempt: Attempt, answer: HttpResponseBase) -> None:
    """Keep `answer`, or undo the attempt when it failed. Inside the transaction of the write."""
    if answer.status_code >= 500:
        transaction.set_rollback(True)
        return
    whole = isinstance(answer, HttpResponse) and "no-store" not in answer.get("Cache-Control", "")
    if whole and not getattr(answer, "is_rendered", True):
        answer.render()  # type: ignore[attr-defined]  # DRF's and Django's template responses
    KeptAnswer.objects.create(
        user=attempt.user,
        place=attempt.place,
        method=attempt.method,
        path=attempt.path[:400],
        fingerprint=attempt.fingerprint,
        status=answer.status_code,
        headers={name: answer.headers[name] for name in TOLD_AGAIN if name in answer.headers},
        body=answer.content if isinstance(answer, HttpResponse) and whole else None,
        expires_at=timezone.now() + KEPT_FOR,
    )


def _key(text: str) -> str:
    """The key without its quotes: the string "a" and the token a are the same key."""
    string, bare = STRING.fullmatch(text), BARE.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", string[1]) if string else text if bare else ""
    if not 1 <= len(key) <= LONGEST:
        raise Invalid(
            fields={HEADER: [f"Send 1 to {LONGEST} printable characters, in double quotes, such as a UUID."]}
        )
    return key


def _alone(user: User, place: str) -> bool:
    """Take the lock of this place until the transaction ends; False when another transaction has it."""
    name = int.from_bytes(bytes.fromhex(_digest(str(user.pk), place))[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [name])
        (alone,) = cursor.fetchone() or (False,)
    return bool(alone)


def _fingerprint(request: Request) -> str:
    """What was sent, as a digest under a key: a body may hold a password, which nobody shall guess from what is kept.

    A form with files was read by whoever looked for its CSRF token: its bytes are gone, its parts are what was sent.
    Its boundary is not: a client draws a new one for each try.
    """
    sent = request._request  # noqa: SLF001 - DRF's name for the request below
    query = sent.META.get("QUERY_STRING", "")
    if sent.content_type == "multipart/form-data":
        return _keyed(_digest(query, sent.content_type, *_parts(sent)))
    meaning = [f"{name}: {sent.headers.get(name, '')}" for name in PART_OF_IT]
    # A file as it is was read by its parser, as far as one may be large, when the CSRF token was looked for.
    body = (request.data or b"") if sent.content_type in RAW else sent.body
    return _keyed(_digest(query, *meaning, body=body))


def _keyed(digest: str) -> str:
    return salted_hmac("cardinal.idempotency", digest, algorithm="sha256").hexdigest()


def _parts(request: HttpRequest) -> Iterator[str]:
    try:
        fields, files = request.POST, request.FILES
    except MultiPartParserError as error:
        raise ParseError(
            "The form is not whole: send it as multipart/form-data with its boundary."
        ) from error
    for name, values in fields.lists():
        yield from (f"{name}={value}" for value in values)
    for name, sent in files.lists():
        for file in sent:
            found = hashlib.sha256()
            for chunk in file.chunks():
                found.update(chunk)
            file.seek(0)
            yield f"{name}: {file.name} {found.hexdigest()}"


def _digest(*parts: str, body: Any = b"") -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode(errors="surrogateescape") + b"\x00")
    found.update(body)
    return found.hexdigest()
