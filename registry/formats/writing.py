"""What a document is written from. Every writer takes one `Export` and gives bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from registry.documents import content as contents
from registry.documents.outline import Field, outline


@dataclass(frozen=True)
class Export:
    """A document to write: its content, what it is about, and what an earlier import could place nowhere."""

    kind: str
    content: dict[str, Any]
    name: str
    version: str = ""
    digest: str = ""  # of the revision, as 64 hexadecimal digits
    about: Any = None  # the version or the dataset itself, for those who write its lineage
    reader: Any = None  # ... as this user may see it
    carried: dict[str, Any] = field(
        default_factory=dict
    )  # pointer → value of the last import of the same format
    picture: Callable[[str], bytes | None] = lambda _digest: (
        None
    )  # the bytes of a figure, as the reader may see it

    def value(self, path: str) -> Any:
        """The value of a field; empty when nobody has filled it."""
        return contents.value(self.content, path) or ""

    def rows(self, path: str) -> list[Any]:
        """The rows or lines of a field."""
        return self.value(path) or []

    def filled(self) -> list[tuple[Field, Any]]:
        """Every field that holds something, in the order of the outline."""
        pairs = ((one, self.value(one.path)) for one in outline(self.kind).fields())
        return [(one, value) for one, value in pairs if value]


def without_empty(value: Any) -> Any:
    """The same tree without empty texts, lists and objects: a format's schema wants none."""
    if isinstance(value, dict):
        kept = {key: without_empty(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in ("", None, [], {})}
    if isinstance(value, list):
        return [inner for inner in map(without_empty, value) if inner not in ("", None, [], {})]
    return value


def planted(flat: dict[str, Any], top: str) -> dict[str, Any]:
    """The tree whose leaves are `flat` (pointer → value), as far as it stands below `top`; gaps in lists close."""
    grown: dict[str, Any] = {}
    for pointer, value in flat.items():
        if not pointer.startswith(f"{top}/"):
            continue
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer[len(top) + 1 :].split("/")]
        here = grown
        for part in parts[:-1]:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                break
        else:
            here[parts[-1]] = value
    return {key: _listed(value) for key, value in grown.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(one) for key, one in value.items()}
    is_list = inner and all(key.isascii() and key.isdigit() for key in inner)
    return [inner[key] for key in sorted(inner, key=int)] if is_list else inner
