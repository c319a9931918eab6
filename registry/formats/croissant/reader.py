"""Reads a Croissant file leniently: with and without prefixes, one or several, texts by language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry.formats.croissant.places import COLUMNS, FILES, OURS, RAI
from registry.formats.ledger import Ledger, Reading, Subject, written
from registry.formats.own import back
from registry.formats.reading import Unreadable, below, json_tree, leaves, text_of
from registry.formats.several import items, map_of, maps, texts

RAI_ADDRESS = "http://mlcommons.org/croissant/RAI/"
TEXT_KEYS = ("en", "@value", "@id", "name", "url")
ABOUT_THE_FILE = ("@context", "@type", "conformsTo", "dct:conformsTo")


def is_mine(tree: dict[str, Any]) -> bool:
    """Whether the JSON-LD describes a dataset."""
    kinds = written(tree.get("@type")) or " ".join(written(one) for one in tree.get("@type") or [])
    standard = " ".join(text for text, _ in texts(tree.get("conformsTo", tree.get("dct:conformsTo")), ""))
    return "croissant" in standard.lower() or (
        "@context" in tree and kinds.rsplit(":")[-1].rsplit("/")[-1] == "Dataset"
    )


def read(raw: bytes, source: str) -> Reading:
    """The file as proposals for a datasheet."""
    tree = json_tree(text_of(raw))
    if not isinstance(tree, dict) or not is_mine(tree):
        raise Unreadable("This is no Croissant file: it is not JSON-LD about a dataset.")
    ledger = Ledger("datasheet", tree)
    for key in ABOUT_THE_FILE:
        for path, _ in leaves(tree[key], below("", key)) if key in tree else ():
            ledger.drop(path, "It is about the file, not about the data.")
    for key, value in tree.items():
        if key.startswith(OURS) and isinstance(value, str):
            back(ledger, key.removeprefix(OURS), value, below("", key))
    _identity(ledger, tree)
    _files(ledger, tree)
    _columns(ledger, tree)
    for key, to in RAI.items():
        for name in (f"rai:{key}", key, f"{RAI_ADDRESS}{key}"):
            for text, path in _texts(tree, name):
                ledger.prose(to, text, path)
    name = next((text for text, _ in _texts(tree, "name")), "")
    for path, _ in leaves(tree.get("name"), "/name"):
        ledger.keep([path], "A dataset has its name here already.")
    return ledger.close("croissant", source, Subject(name, written(tree.get("version"))))


def _texts(tree: dict[str, Any], *names: str) -> Iterator[tuple[str, str]]:
    """The texts under any of these names, with and without the prefix of schema.org."""
    for name in names:
        for key in (
            name,
            f"sc:{name}",
            f"schema:{name}",
            f"https://schema.org/{name}",
            f"http://schema.org/{name}",
        ):
            yield from texts(tree.get(key), below("", key), *TEXT_KEYS)


def _identity(ledger: Ledger, tree: dict[str, Any]) -> None:
    for text, path in _texts(tree, "description"):
        ledger.prose("identity.description", text, path)
    for to, name in (("version", "version"), ("url", "url"), ("published_on", "datePublished")):
        for text, path in _texts(tree, name):
            ledger.line(f"identity.{to}", text, path)
    for name in ("license", "sdLicense"):
        for text, path in texts(tree.get(name), f"/{name}", "url", "name", "@id"):
            ledger.line("identity.licence", text, path)
    for name in ("creator", "author"):
        items(ledger, "identity.creators", texts(tree.get(name), f"/{name}", "name", "@id", "url"))
    keywords = tree.get("keywords")
    if isinstance(keywords, str) and "," in keywords:
        ledger.lines("identity.keywords", keywords.split(","), "/keywords")
    else:
        items(ledger, "identity.keywords", _texts(tree, "keywords"))
    for name in ("citeAs", "cr:citeAs", "citation"):
        for text, path in texts(tree.get(name), f"/{name}", *TEXT_KEYS):
            ledger.prose("identity.citation", text, path)


def _files(ledger: Ledger, tree: dict[str, Any]) -> None:
    whole = FILES in ledger.values
    for one, path in maps(tree.get("distribution"), "/distribution"):
        _about(ledger, one, path)
        kinds = list(texts(one.get("encodingFormat"), f"{path}/encodingFormat"))
        cells: dict[str, Any] = {
            "name": (one.get("name") or one.get("@id"), (f"{path}/{'name' if one.get('name') else '@id'}",)),
            "link": (one.get("contentUrl"), (f"{path}/contentUrl",)),
            "media_type": (", ".join(text for text, _ in kinds), tuple(place for _, place in kinds)),
            "sha256": (one.get("sha256"), (f"{path}/sha256",)),
            "size": (one.get("contentSize"), (f"{path}/contentSize",)),
        }
        ledger.row(FILES, cells, exact=not whole)


def _columns(ledger: Ledger, tree: dict[str, Any]) -> None:
    whole = COLUMNS in ledger.values
    for table, place in maps(tree.get("recordSet"), "/recordSet"):
        _about(ledger, table, place)
        named = "name" if written(table.get("name")) else "@id"
        first = True
        for field, path in maps(table.get("field"), f"{place}/field"):
            _about(ledger, field, path)
            kinds = list(texts(field.get("dataType"), f"{path}/dataType", "@id"))
            key = "name" if written(field.get("name")) else "@id"
            cells: dict[str, Any] = {
                "table": (table.get(named), (f"{place}/{named}",) if first else ()),
                "name": (field.get(key), (f"{path}/{key}",)),
                "type": (", ".join(text for text, _ in kinds), tuple(where for _, where in kinds)),
                "description": (field.get("description"), (f"{path}/description",)),
            }
            first = False
            if whole:
                cells.pop("type")  # ours stands there already, in its own words
            ledger.row(COLUMNS, cells, exact=not whole)


def _about(ledger: Ledger, one: dict[str, Any], path: str) -> None:
    """What ties the parts of the file together says nothing about the data."""
    if "@type" in one:
        for place, _ in leaves(one["@type"], f"{path}/@type"):
            ledger.drop(place, "It is about the file, not about the data.")
    if isinstance(one.get("@id"), str) and written(one.get("name")) == one["@id"]:
        ledger.drop(f"{path}/@id", "It repeats the name.")
    if isinstance(map_of(one.get("source")).get("extract"), dict):
        for place, _ in leaves(one["source"], f"{path}/source"):
            ledger.keep([place], "Where the column lies in the file; the datasheet does not ask.")
