"""YAML by the rules of version 1.2: `no` is a word, a date is text. Nothing is constructed but plain values.

PyYAML parses; the values are put together here from its events, so that anchors, depth and tags are counted while
they come and not after they have been expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from registry.formats.reading import MAX_DEPTH, MAX_VALUES, Hostile, Unreadable, joined, number

MAX_CHARACTERS = 1_000_000
MAX_ANCHORS = 100
LONG = 200  # a text counts as one value more for each so many characters: aliases repeat text too
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CORE = "tag:yaml.org,2002:"
WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
WHOLE = re.compile(r"[-+]?[0-9]+")
DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
TABS = re.compile(r"^[ ]*\t[ \t]*|(?<=[:\-])[ ]*\t[ \t]*|[ \t]*\t[ \t]*$", re.MULTILINE)


@dataclass
class Open:
    """A list or dictionary whose end has not come yet."""

    anchor: str | None
    is_map: bool
    values: list[Any] = field(default_factory=list)
    size: int = 1  # values in it, those behind aliases included

    def closed(self) -> Any:
        """What it became."""
        if not self.is_map:
            return self.values
        return joined(
            [(_key(key), value) for key, value in zip(self.values[::2], self.values[1::2], strict=True)]
        )


def yaml_tree(text: str) -> tuple[Any, list[str]]:
    """(tree, notes). A note says what was repaired to read it: tabs where YAML wants spaces."""
    if len(text) > MAX_CHARACTERS:
        raise Hostile(f"The YAML has {len(text)} characters; at most {MAX_CHARACTERS} are read.")
    try:
        return _tree(text), []
    except Hostile:
        raise
    except Unreadable:
        spaced = TABS.sub("  ", text)
        if spaced == text:
            raise
        return _tree(spaced), ["Tabs stood where YAML wants spaces; they were read as spaces."]


def _tree(text: str) -> Any:
    try:
        return _Builder().built(yaml.parse(text, Loader=LOADER))
    except yaml.YAMLError as error:
        raise Unreadable(f"This is not YAML: {_sentence(error)}") from error
    except RecursionError as error:
        raise Hostile(f"The YAML is nested deeper than {MAX_DEPTH} levels.") from error


class _Builder:
    """Puts values together, counting."""

    def __init__(self) -> None:
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.named = 0
        self.count = 0
        self.stack = [Open(None, is_map=False)]

    def built(self, events: Iterator[Any]) -> Any:
        for event in events:
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                done = self.stack.pop()
                self._put(done.closed(), done.anchor, done.size)
            elif isinstance(event, yaml.ScalarEvent):
                self._put(_scalar(event), event.anchor, 1 + len(event.value) // LONG)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event.anchor or "")
        documents = self.stack[0].values
        if len(documents) > 1:
            raise Unreadable("The YAML holds more than one document.")
        return documents[0] if documents else None

    def _open(self, event: Any) -> None:
        _refuse_tag(event, {f"{CORE}map", f"{CORE}seq"})
        if len(self.stack) > MAX_DEPTH:
            raise Hostile(f"The YAML is nested deeper than {MAX_DEPTH} levels.")
        self._name(event.anchor)
        self.stack.append(Open(event.anchor, isinstance(event, yaml.MappingStartEvent)))

    def _name(self, anchor: str | None) -> None:
        self.named += anchor is not None
        if self.named > MAX_ANCHORS:
            raise Hostile(f"The YAML has more than {MAX_ANCHORS} anchors.")

    def _put(self, value: Any, anchor: str | None, size: int) -> None:
        is_plain = not isinstance(value, (dict, list))
        self._add(value, size, size if is_plain else 1)  # what is in a list was counted when it came
        if anchor is not None:
            if is_plain:
                self._name(anchor)
            self.anchors[anchor] = (value, size)

    def _alias(self, anchor: str) -> None:
        if anchor not in self.anchors:
            raise Hostile(f"The YAML alias *{anchor} refers to nothing, or to what it is part of.")
        value, size = self.anchors[anchor]
        self._add(value, size, size)

    def _add(self, value: Any, size: int, grown: int) -> None:
        self.count += grown
        if self.count > MAX_VALUES:
            raise Hostile(
                f"The YAML holds more than the {MAX_VALUES} values that are read, its aliases written out."
            )
        self.stack[-1].values.append(value)
        self.stack[-1].size += size


def _scalar(event: Any) -> Any:
    _refuse_tag(event, {CORE + kind for kind in ("str", "int", "float", "bool", "null", "timestamp")})
    written: str = event.value
    if not event.implicit[0] or event.tag == f"{CORE}str":
        return written
    if written in WORDS:
        return WORDS[written]
    if WHOLE.fullmatch(written):
        return number(int)(written)
    return number(float)(written) if DECIMAL.fullmatch(written) else written


def _refuse_tag(event: Any, known: set[str]) -> None:
    """A tag asks the reader to construct something. Only those that change nothing are taken."""
    if event.tag not in (None, "!") and event.tag not in known:
        raise Hostile(
            f"The YAML tag {event.tag[:80]} asks for an object to be made; nothing of it is run or read."
        )


def _key(key: Any) -> str:
    return (
        key
        if isinstance(key, str)
        else ""
        if key is None
        else str(key).lower()
        if isinstance(key, bool)
        else str(key)
    )


def _sentence(error: yaml.YAMLError) -> str:
    problem = (
        getattr(error, "problem", None)
        or getattr(error, "reason", None)
        or "it breaks the rules of the language"
    )
    mark = getattr(error, "problem_mark", None)
    return f"{problem}{f' in line {mark.line + 1}' if mark else ''}."
