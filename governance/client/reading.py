"""Answers become frozen objects: what is named must be there and of its type; what is not named is ignored."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from governance.client.errors import Unexpected

T = TypeVar("T")


def read(kind: type[T], data: Any) -> T:
    """`data` as a `kind`; `Unexpected`, naming the part, where it is none."""
    return _object(kind, data, kind.__name__)


def plain(value: Any) -> Any:
    """What JSON can say: objects as their fields, times as ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _object(kind: type[T], data: Any, where: str) -> T:
    if not isinstance(data, dict):
        raise Unexpected(f"{where} is no object. Is this address a portal, and is it as new as this client?")
    given: dict[str, Any] = {}
    ours: Any = kind
    for one in dataclasses.fields(ours):
        if one.name in data:
            given[one.name] = _value(_hints(ours)[one.name], data[one.name], f"{where}.{one.name}")
        elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            raise Unexpected(f"{where}.{one.name} is missing in the answer.")
    return kind(**given)


def _value(hint: Any, data: Any, where: str) -> Any:
    if hint is Any:
        return data
    origin, inner = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return (
            None if data is None else _value(next(one for one in inner if one is not NoneType), data, where)
        )
    if origin is tuple:
        if not isinstance(data, list):
            raise Unexpected(f"{where} is no list.")
        return tuple(_value(inner[0], one, f"{where}[{n}]") for n, one in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise Unexpected(f"{where} is no object.")
        return {key: _value(inner[1], one, f"{where}.{key}") for key, one in data.items()}
    if hint is datetime:
        return _time(data, where)
    if dataclasses.is_dataclass(hint):
        return _object(hint, data, where)  # type: ignore[arg-type]  # a class, not an object
    if type(data) is not hint:  # an answer that says true is no number
        raise Unexpected(f"{where} is no {hint.__name__}.")
    return data


def _time(data: Any, where: str) -> datetime:
    try:
        found = datetime.fromisoformat(data)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise Unexpected(f"{where} is no time with a zone.")
    return found
