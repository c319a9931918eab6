"""Bytes from outside become a tree of plain values here, and nowhere else: within limits, and never run.

Whatever is wrong with a file as a whole is `Unreadable`, a sentence for whoever sent it. `Hostile` is a file that was
made to do harm, or might as well have been: no part of it is taken.

A tree holds dictionaries with text keys, lists, text, whole and decimal numbers, booleans and None. A number stays a
number only where writing it again gives the same characters; otherwise it is kept as the text that stood there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from registry.errors import Invalid

MAX_BYTES = 5_000_000
MAX_DEPTH = 48
MAX_VALUES = 20_000  # in one file, every repetition of a YAML alias counted
MAX_SIGNS = (
    400_000  # brackets, braces and commas in a JSON file: an upper bound of its values, known before parsing
)
UTF32 = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")
UTF16 = (b"\xff\xfe", b"\xfe\xff")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(Invalid):
    """The file cannot be read as what it is said to be."""

    def __init__(self, reason: str) -> None:
        super().__init__(fields={"file": [reason]})


class Hostile(Unreadable):
    """The file asks for more than any document needs, or for something to be run."""


def text_of(raw: bytes) -> str:
    """The text of a file: UTF-8, with or without a byte-order mark; line ends become newlines."""
    if len(raw) > MAX_BYTES:
        raise Hostile(
            f"The file has {len(raw) / 1e6:.1f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read. "
            "Leave out embedded figures and attach them to the document instead."
        )
    if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
        raise Unreadable("The file is empty.")
    if raw.startswith(UTF32):
        raise Unreadable("The file is written in UTF-32; save it as UTF-8.")
    if raw.startswith(UTF16):
        raise Unreadable("The file is written in UTF-16; save it as UTF-8.")
    if (at := raw.find(b"\x00")) >= 0:
        raise Hostile(f"Byte {at} is NUL: this is not a text file.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"Byte {error.start} is not UTF-8; save the file as UTF-8 and import it again."
        ) from error
    return text.replace("\r\n", "\n")


def json_tree(text: str) -> Any:
    """JSON as a tree. Of a key that stands twice the last value keeps the name; the others get "name (earlier)"."""
    if sum(text.count(sign) for sign in "[{,") > MAX_SIGNS:
        raise Hostile(f"The JSON holds more than the {MAX_VALUES} values that are read.")
    try:
        tree = json.loads(
            text,
            object_pairs_hook=joined,
            parse_int=number(int),
            parse_float=number(float),
            parse_constant=str,
        )
    except RecursionError as error:
        raise Hostile(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"This is not JSON: {error.msg} in line {error.lineno}.") from error
    return within_limits(tree)


def number(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader of numbers that keeps the text wherever the number would not be written the same again."""

    def read(written: str) -> Any:
        if len(written) > 18:
            return written
        value = kind(written)
        return value if repr(value) == written else written

    return read


def joined(pairs: list[tuple[Any, Any]]) -> dict[str, Any]:
    """A dictionary in which no value of a repeated key is lost."""
    found: dict[str, Any] = {}
    earlier: dict[str, int] = {}
    for key, value in pairs:
        name = str(key)
        if name in found:
            count = earlier[name] = earlier.get(name, 0) + 1
            old = f"{name} (earlier)" if count == 1 else f"{name} (earlier {count})"
            found[old] = found.pop(name)
        found[name] = value
    return found


def within_limits(tree: Any) -> Any:
    """`tree`, if it is no deeper and no larger than a document needs."""
    count, waiting = 0, [(tree, 0)]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > MAX_DEPTH:
            raise Hostile(f"The file is nested deeper than {MAX_DEPTH} levels.")
        if count > MAX_VALUES:
            raise Hostile(f"The file holds more than the {MAX_VALUES} values that are read.")
        if isinstance(value, dict):
            waiting.extend((inner, depth + 1) for inner in value.values())
        elif isinstance(value, list):
            waiting.extend((inner, depth + 1) for inner in value)
    return tree


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not a filled dictionary or list, with its JSON pointer (RFC 6901), in the order of the file."""
    waiting = [(path, tree)]
    while waiting:
        here, value = waiting.pop()
        if isinstance(value, dict) and value:
            waiting.extend((below(here, key), inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value:
            waiting.extend((below(here, at), value[at]) for at in reversed(range(len(value))))
        else:
            yield here, value


def below(path: str, key: str | int) -> str:
    """The pointer to `key` of what stands at `path`."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL and JSON can hold this text: no NUL, no half of a surrogate pair."""
    return not isinstance(value, str) or not UNSTORABLE.search(value)
