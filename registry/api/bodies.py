"""What comes in: JSON that can be stored, and no field that nobody reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiSerializerExtension
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser, JSONParser

from registry.formats import MAX_BYTES


class TooLarge(APIException):
    """The body is larger than anything that is stored here."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."


class StorableJSON(JSONParser):
    """JSON within the size limit of forms, without broken Unicode: that could be neither stored nor answered."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        request = (parser_context or {})["request"]
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            raise TooLarge(f"The body has more than the {limit} bytes that are allowed.")
        try:
            parsed = super().parse(stream, media_type, parser_context)
            json.dumps(parsed, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error
        except UnicodeEncodeError as error:
            raise ParseError("The JSON holds half of a surrogate pair; send whole characters.") from error
        return parsed


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
