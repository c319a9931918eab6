"""Lists by keyset pages, with the signed cursors of the pages of the portal."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.response import Response

from registry.errors import Invalid
from registry.paging import SIZE, page

LARGEST = 200
CURSOR = "eyJhbW…"


class Pages(BasePagination):
    """`?size=` rows at a time; `next` and `previous` are whole addresses, null at an end."""

    def paginate_queryset(self, queryset: Any, request: Any, view: Any = None) -> list[Any]:
        self.request = request
        self.page = page(queryset, request, by=view.ordered_by(), size=_size(request))
        return self.page.rows

    def get_paginated_response(self, data: Any) -> Response:
        here = self.request.build_absolute_uri(self.request.path)
        newer, older = (here + link if link else None for link in (self.page.newer, self.page.older))
        return Response({"next": older, "previous": newer, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        address = "https://cardinal.example.org/api/v1/…/?after="
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": link | {"example": f"{address}{CURSOR}", "description": "The rows after these."},
                "previous": link | {"example": None, "description": "The rows before these."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": LARGEST, "default": SIZE}
        return [
            _parameter("size", size, "How many rows a page has."),
            _parameter(
                "after",
                {"type": "string"},
                "Cursor, as in `next`. One that was cut off, or is of another list, shows the first page.",
            ),
            _parameter("before", {"type": "string"}, "Cursor, as in `previous`."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def _size(request: Any) -> int:
    text = request.GET.get("size", str(SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= LARGEST):
        raise Invalid(fields={"size": [f"A whole number from 1 to {LARGEST}."]})
    return int(text)
