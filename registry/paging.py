"""Keyset pages: the same cost for the first row and the ten-thousandth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)
SIZE = 50


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows of a list, and the query strings of what comes before and after them ("" at an end)."""

    rows: list[Row]
    newer: str
    older: str

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def page(rows: QuerySet[Row], request: HttpRequest, *, by: str, size: int = SIZE) -> Page[Row]:
    """The page of `rows` that the request asks for, in the order of `by` ("name" or "-made_at") and then the key."""
    down = by.startswith("-")
    column = by.lstrip("-")
    order = [by, "-pk" if down else "pk"]
    backwards = "before" in request.GET
    salt = _salt(rows, by)
    cursor = _cursor(request.GET.get("before") or request.GET.get("after") or "", salt)
    if cursor:
        rows = rows.filter(_beyond(column, cursor, less=down != backwards))
    if backwards and cursor:
        order = [_flip(one) for one in order]
    found = list(rows.order_by(*order)[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backwards and cursor:
        found.reverse()
        has_newer, has_older = more, True
    else:
        has_newer, has_older = bool(cursor), more
    return Page(
        found,
        _link(request, "before", found[0], column, salt) if found and has_newer else "",
        _link(request, "after", found[-1], column, salt) if found and has_older else "",
    )


def reached(rows: QuerySet[Row], request: HttpRequest, *, by: str) -> Any:
    """The value in the column of `by` after which the page begins that the request asks for, as text; None on the first one."""
    cursor = _cursor(request.GET.get("after") or "", _salt(rows, by))
    return cursor[0] if cursor else None


def _salt(rows: QuerySet[Row], by: str) -> str:
    return f"{rows.model._meta.label}:{by}"  # a cursor of another list is no cursor here


def _beyond(column: str, cursor: Sequence[Any], *, less: bool) -> Q:
    value, key = cursor
    side = "lt" if less else "gt"
    # The first condition follows from the second: an index begins to read there, and never does by an alternative.
    bound = Q(**{f"{column}__{side}e": value})
    return bound & (Q(**{f"{column}__{side}": value}) | Q(**{column: value, f"pk__{side}": key}))


def _cursor(text: str, salt: str) -> Sequence[Any] | None:
    if not text:
        return None
    try:
        found = signing.loads(text, salt=salt)
    except signing.BadSignature:
        return None  # a cut-off link shows the first page
    return found if isinstance(found, list) and len(found) == 2 else None


def _link(request: HttpRequest, side: str, row: Model, column: str, salt: str) -> str:
    query = request.GET.copy()
    for name in ("before", "after"):
        query.pop(name, None)
    value: Any = row
    for part in column.split("__"):
        value = getattr(value, part)
    mark = value.isoformat() if hasattr(value, "isoformat") else value
    query[side] = signing.dumps([mark, str(row.pk)], salt=salt)
    return f"?{query.urlencode()}"


def _flip(order: str) -> str:
    return order.removeprefix("-") if order.startswith("-") else f"-{order}"
