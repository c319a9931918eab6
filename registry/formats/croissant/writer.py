"""Writes a datasheet as Croissant. What the vocabulary has no word for stands under `cardinal:`, so that all comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from registry.formats.croissant.places import COLUMNS, FILES, OF_ITS_OWN, OURS, RAI
from registry.formats.own import said
from registry.formats.writing import Export, without_empty

CR = "http://mlcommons.org/croissant/"
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cardinal": "urn:cardinal:datasheet:",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": CR,
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": f"{CR}RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
CONTEXT_1_1: dict[str, Any] = {
    "arrayShape": "cr:arrayShape",
    "containedIn": "cr:containedIn",
    "description": {"@container": "@language"},
    "isArray": "cr:isArray",
    "name": {"@container": "@language"},
}
SHA256 = re.compile(r"[0-9a-f]{64}")
DATE = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])"
)  # the 29th to 31st stand under `cardinal:` only
ADDRESS = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
VERSION = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")
TYPES = {
    **dict.fromkeys(("integer", "long", "int", "int32", "int64"), "sc:Integer"),
    **dict.fromkeys(("double", "float", "float32", "float64", "number"), "sc:Float"),
    **dict.fromkeys(("boolean", "bool"), "sc:Boolean"),
    **dict.fromkeys(("date", "datetime", "timestamp"), "sc:Date"),
}


def writer(spec: str) -> Callable[[Export], bytes]:
    """The writer of one version of the specification."""

    def write(given: Export) -> bytes:
        described, exact = _identity(given), _files(given)
        tree: dict[str, Any] = {
            "@context": CONTEXT | (CONTEXT_1_1 if spec == "1.1" else {}),
            "@type": "sc:Dataset",
            "conformsTo": [f"{CR}{spec}", f"{CR}RAI/1.0"],
            "name": given.name,
            **described,
            "distribution": exact,
            "recordSet": _tables(given, exact),
            **{f"rai:{key}": given.value(path) for key, path in RAI.items()},
            **_ours(given, described, exact),
        }
        return json.dumps(_kept(tree), ensure_ascii=False, indent=2).encode()

    return write


def _kept(tree: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = without_empty({key: value for key, value in tree.items() if key != "@context"})
    return {"@context": tree["@context"]} | told


def _identity(given: Export) -> dict[str, Any]:
    version, url, date = (given.value(f"identity.{key}") for key in ("version", "url", "published_on"))
    return {
        "description": given.value("identity.description"),
        "version": version if VERSION.fullmatch(version) else "",
        "url": url if ADDRESS.fullmatch(url) else "",
        "license": given.value("identity.licence"),
        "creator": [{"@type": "sc:Organization", "name": name} for name in given.rows("identity.creators")],
        "datePublished": date if DATE.fullmatch(date) else "",
        "keywords": given.rows("identity.keywords"),
        "citeAs": given.value("identity.citation"),
    }


def _files(given: Export) -> list[dict[str, Any]]:
    """The files that can be said in Croissant: each with a link, a kind and a digest, and a name of its own."""
    found: dict[str, dict[str, Any]] = {}
    for row in given.rows(FILES):
        name = row.get("name", "")
        whole = (
            ADDRESS.fullmatch(row.get("link", ""))
            and SHA256.fullmatch(row.get("sha256", ""))
            and row.get("media_type")
        )
        if name and whole and name not in found and name.isascii() and name.isprintable() and " " not in name:
            found[name] = {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": row["link"],
                "encodingFormat": row["media_type"],
                "sha256": row["sha256"],
                "contentSize": row.get("size", ""),
            }
    return list(found.values())


def _tables(given: Export, files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Columns, where it is plain in which file they lie: the only one, a table."""
    if len(files) != 1 or "csv" not in files[0]["encodingFormat"]:
        return []
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for row in given.rows(COLUMNS):
        table, name = row.get("table") or "records", row.get("name", "")
        if re.fullmatch(r"[\w.-]+", name, re.ASCII) and re.fullmatch(r"[\w.-]+", table, re.ASCII):
            tables.setdefault(table, {})[name] = {
                "@type": "cr:Field",
                "@id": f"{table}/{name}",
                "name": name,
                "description": row.get("description", ""),
                "dataType": TYPES.get(row.get("type", "").lower(), "sc:Text"),
                "source": {"fileObject": {"@id": files[0]["@id"]}, "extract": {"column": name}},
            }
    return [
        {"@type": "cr:RecordSet", "@id": f"{table}-records", "name": table, "field": list(fields.values())}
        for table, fields in tables.items()
    ]


def _ours(given: Export, described: dict[str, Any], files: list[dict[str, Any]]) -> dict[str, str]:
    """Fields that have no place, or whose place could not hold them as they are."""
    unsaid = {f"identity.{to}" for to, key in (("version", "version"), ("url", "url"), ("published_on", "datePublished")) if not described[key]}  # fmt: skip
    if len(files) < len(given.rows(FILES)):
        unsaid.add(FILES)
    unsaid.add(COLUMNS)
    return {
        f"{OURS}{field.path}": said(value)
        for field, value in given.filled()
        if field.path not in OF_ITS_OWN or field.path in unsaid
    }
