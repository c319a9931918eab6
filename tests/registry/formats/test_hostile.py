"""Files that were made to do harm: a clear sentence within a second, and no more memory than a document needs."""

from __future__ import annotations

import base64
import gzip
import json
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import formats
from registry.errors import Invalid
from registry.formats import Unreadable

SECONDS = 1.5  # a second by the issue; a half for a busy machine
MEGABYTES = 150


def laughs(levels: int = 12, wide: int = 10) -> str:
    lines = ["a0: &a0 [" + ",".join(["lol"] * wide) + "]"]
    lines += [f"a{n}: &a{n} [" + ",".join([f"*a{n - 1}"] * wide) + "]" for n in range(1, levels)]
    return "\n".join(lines)


def front(yaml: str) -> bytes:
    return f"---\n{yaml}\n---\n\n# Card\n".encode()


def graphics(size: int) -> bytes:
    image = base64.b64encode(b"\x89PNG" + b"x" * size).decode()
    card = {
        "model_details": {"name": "m"},
        "quantitative_analysis": {"graphics": {"collection": [{"name": "f", "image": image}]}},
    }
    return json.dumps(card).encode()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "ten megabytes of anchors": (lambda: front("\n".join(f"k{n}: &a{n} v" for n in range(700_000))), "MB"),
    "four megabytes of anchors": (
        lambda: front("\n".join(f"k{n}: &a{n} v" for n in range(250_000))),
        "characters",
    ),
    "anchors": (lambda: front("\n".join(f"k{n}: &a{n} v" for n in range(5_000))), "anchors"),
    "a billion laughs": (lambda: front(laughs()), "values"),
    "long text by alias": (
        lambda: front("a: &a " + "x" * 500_000 + "\nb: [" + ",".join(["*a"] * 4_000) + "]"),
        "values",
    ),
    "a circle of aliases": (lambda: front("a: &a\n  b: *a"), "alias"),
    "YAML a hundred deep": (lambda: front("a: " + "[" * 100 + "]" * 100), "nested"),
    "YAML a hundred thousand deep": (lambda: front("a: " + "[" * 100_000), "nested"),
    "YAML in blocks, a hundred deep": (
        lambda: front("\n".join(" " * n + "a:" for n in range(100))),
        "nested",
    ),
    "a Python tag": (lambda: front("x: !!python/object/apply:os.system ['true']"), "tag"),
    "a tag of another kind": (lambda: front("x: !secret hunter2"), "tag"),
    "JSON a hundred deep": (lambda: b'{"model_details": ' + b"[" * 100 + b"]" * 100 + b"}", "nested"),
    "JSON a hundred thousand deep": (lambda: b"[" * 100_000, "nested"),
    "JSON objects a million deep": (lambda: b'{"a":' * 390_000, "nested"),
    "two million values": (lambda: b"[" + b"0," * 2_000_000 + b"0]", "values"),
    "a million lines": (lambda: b"a\n" * 1_000_000, "lines"),
    "a million lines between rulers": (lambda: b"---\n" * 1_000_000, "lines"),
    "twenty thousand headings": (lambda: b"# a\n" * 20_000, "headings"),
    "UTF-32": (lambda: "# Card".encode("utf-32"), "UTF-32"),
    "NUL": (lambda: b"# Card\n\x00\n", "NUL"),
    "UTF-16": (lambda: "# Card".encode("utf-16"), "UTF-16"),
    "Latin-1": (lambda: "# Gr\u00f6\u00dfe".encode("latin-1"), "UTF-8"),
    "a figure of fifty megabytes": (lambda: graphics(50_000_000), "MB"),
    "a zip": (lambda: gzip.compress(b"x" * 10_000), "NUL"),
    "nothing": (lambda: b"", "empty"),
    "blanks": (lambda: b"\xef\xbb\xbf \r\n\t", "empty"),
    "half a JSON": (lambda: b'{"model_details": {"name": "m"', "not JSON"),
    "JSON of something else": (lambda: b'{"hello": "world"}', "not recognised"),
    "a list": (lambda: b"[1, 2]", "not recognised"),
    "a lock without stages": (lambda: b"schema: '2.0'\nstages: {}\n", "stages"),
    "a BOM without a model": (
        lambda: b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}',
        "machine-learning-model",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_once_with_a_sentence(name: str) -> None:
    make, word = HOSTILE[name]
    raw = make()
    began = time.process_time()

    with pytest.raises(Unreadable) as refused:
        formats.read(raw)

    assert time.process_time() - began < SECONDS
    (sentence,) = refused.value.fields["file"]
    assert word in sentence
    assert sentence.endswith(".")
    assert len(sentence) < 400


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"a figure of fifty megabytes"}))
def test_a_hostile_file_takes_no_more_memory_than_a_document(name: str) -> None:
    raw = HOSTILE[name][0]()
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable):
            formats.read(raw)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MEGABYTES * 1_000_000


# What is odd and still read: one bad value never costs the others.
ODD: dict[str, bytes] = {
    "a number of ten thousand digits": b'{"model_details": {"name": "m", "overview": '
    + b"9" * 10_000
    + b"}}",
    "NaN and infinity": b'{"model_details": {"name": "m"}, "quantitative_analysis": {"performance_metrics": [{"type": "auc", "value": NaN}, {"type": "f1", "value": -Infinity}, {"type": "x", "value": 1e400}]}}',
    "half a surrogate pair": b'{"model_details": {"name": "m", "overview": "\\ud83d"}}',
    "NUL in JSON": b'{"model_details": {"name": "m", "overview": "a\\u0000b"}}',
    "a repeated key": b'{"model_details": {"name": "m", "overview": "one", "overview": "two"}}',
    "a figure of one megabyte": graphics(1_000_000),
    "ten thousand lines of brackets": b"---\nlicense: mit\n---\n" + b"[](((((" * 10_000,
    "a line of a megabyte": b"# " + b"a " * 500_000 + b"\n\nm",
    "a table of a megabyte": b"## Results\n\n" + b"|" * 1_000_000,
    "comments that never end": b"<!-- " * 100_000,
    "fences that never end": b"````\n# a\n```\n" * 1 + b"# a\n```\n" * 14_000,
    "five megabytes in one line": b"\\" * 4_900_000,
    "nineteen thousand datasets": front("datasets:\n" + "".join(f"- d{n}\n" for n in range(19_000))),
    "nineteen thousand metrics": front("metrics:\n" + "".join(f"- d{n}\n" for n in range(19_000))),
    "stars": b"- **" * 200_000,
    "underlines": b"a\n---\n" * 1_000 + b"=" * 500_000,
    "dots and dashes": b"---\n" + b"-" * 500_000 + b"\n...\nm",
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_read_within_a_second(name: str) -> None:
    began = time.process_time()

    reading = formats.read(ODD[name])

    assert time.process_time() - began < SECONDS
    assert sum(reading.counts.values()) >= 1
    json.dumps([vars(leaf) for leaf in reading.report], ensure_ascii=False).encode()  # can be stored


def test_a_value_that_cannot_be_stored_is_dropped_with_the_reason_and_the_others_stay() -> None:
    reading = formats.read(ODD["half a surrogate pair"])

    assert [(one.path, one.outcome) for one in reading.report] == [
        ("/model_details/name", "mapped"),
        ("/model_details/overview", "dropped"),
    ]


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode(errors="surrogatepass")))
def test_no_bytes_give_anything_but_a_reading_or_a_sentence(raw: bytes) -> None:
    for name in ("", *formats.READERS):
        try:
            formats.read(raw, format=name)
        except Invalid as error:
            assert error.fields["file"]  # noqa: PT017 - either outcome will do


KEYS = st.sampled_from(
    [
        *(
            "model_details",
            "name",
            "version",
            "owners",
            "considerations",
            "users",
            "model_parameters",
            "data",
            "license",
        ),
        *(
            "quantitative_analysis",
            "performance_metrics",
            "graphics",
            "metadata",
            "component",
            "modelCard",
            "components",
        ),
        *(
            "type",
            "description",
            "properties",
            "value",
            "distribution",
            "recordSet",
            "field",
            "stages",
            "deps",
            "outs",
        ),
        *(
            "cmd",
            "path",
            "params",
            "@type",
            "@id",
            "creator",
            "keywords",
            "rai:dataBiases",
            "model-index",
            "results",
        ),
        *(
            "metrics",
            "dataset",
            "tags",
            "cardinal:identity.files",
            "identity",
            "intended_use",
            "uses",
            "files",
        ),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=40,
)
STARTS = {
    "toolkit": {"model_details": {}},
    "cyclonedx": {"bomFormat": "CycloneDX", "metadata": {"component": {"type": "machine-learning-model"}}},
    "croissant": {"@context": {}, "@type": "sc:Dataset"},
    "own": {"schema": "cardinal/card/1"},
    "dvc": {"stages": {"a": {"cmd": "x"}}},
}


@pytest.mark.parametrize("name", STARTS)
def test_no_shape_of_the_right_words_breaks_a_reader(name: str, caplog: pytest.LogCaptureFixture) -> None:
    @settings(deadline=None, max_examples=150, derandomize=True)
    @given(st.dictionaries(KEYS, JSON, max_size=6), JSON)
    def reads(tree: dict[str, object], other: object) -> None:
        whole = {**tree, **STARTS[name], "components": [{"type": "data", "data": other}], "metrics": other}
        reading = formats.read(json.dumps(whole).encode(), format=name)
        assert reading.report

    reads()

    assert not caplog.records  # nothing that `read` had to catch
