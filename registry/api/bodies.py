"""What comes in: JSON that can be stored, and no field that nobody reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser, JSONParser

from registry.formats import MAX_BYTES


class TooLarge(APIException):
    """The body is larger than anything that is stored here."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


DEEPEST = 64  # levels; a document has 24 at most


class StorableJSON(JSONParser):
    """JSON that means one thing and can be kept: UTF-8, within the size limit of forms, no name twice in an object, no
    NaN or number beyond all bounds, no half of a surrogate pair, and not nested without end (RFC 8259; RFC 7493).
    """

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        if (media_type or "").partition(";")[0].strip().lower() != self.media_type:
            raise UnsupportedMediaType(media_type or "")  # DRF takes */* for a match
        request = (parser_context or {})["request"]
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise TooLarge(f"The body has more than the {limit} bytes that are allowed.")
        try:
            parsed = json.loads(
                stream.read(limit + 1).decode("utf-8"),
                object_pairs_hook=_once_each,
                parse_constant=_no_number,
                parse_float=_finite,
            )
            json.dumps(parsed, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except UnicodeEncodeError as error:
            raise ParseError("The JSON holds half of a surrogate pair; send whole characters.") from error
        except UnicodeDecodeError as error:
            raise ParseError("The JSON is not in UTF-8.") from error
        except ValueError as error:
            raise ParseError(f"This is not JSON: {error}.") from error
        if _depth(parsed) > DEEPEST:
            raise ParseError(f"The JSON is nested deeper than {DEEPEST} levels.")
        return parsed


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two parsers must not read two things out of one body."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError("An object in the JSON has the same name twice.")
    return found


def _no_number(text: str) -> float:
    raise ParseError(f"{text} is not JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ParseError("The JSON holds a number that is too large.")
    return number


def _depth(value: Any) -> int:
    """How deep lists and objects lie in each other; 0 for a plain value."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return depth


class In(serializers.Serializer[Any]):
    """What a client sends. A name that is not a field is refused: a typing error must not pass for a wish."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            raise serializers.ValidationError(
                {str(name): ["There is no such field."] for name in sorted(unknown)}
            )
        return super().to_internal_value(data)


class InSchema(OpenApiSerializerExtension):
    """Says in the schema that `In` takes no other fields."""

    target_class = "registry.api.bodies.In"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - its own door
        return schema | {"additionalProperties": False}


class RawFile(BaseParser):
    """A file as it is, within the size that can be imported. What is larger is not read to its end."""

    media_type = "application/octet-stream"

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        raw: bytes = stream.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise TooLarge(f"The file has more than the {MAX_BYTES} bytes that are read.")
        return raw
