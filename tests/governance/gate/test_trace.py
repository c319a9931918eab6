"""W3C Trace Context: the trace goes on, the span is the gate's own."""

from __future__ import annotations

import pytest

from governance.gate import trace

TRACE, SPAN = b"0af7651916cd43dd8448eb211c80319c", b"b7ad6b7169203331"
GOOD = b"00-" + TRACE + b"-" + SPAN + b"-01"


def onward(*given: tuple[bytes, bytes]) -> dict[bytes, bytes]:
    return dict(trace.onward(given))


def test_a_valid_trace_goes_on_with_another_span() -> None:
    parent = onward((b"traceparent", GOOD))[b"traceparent"]

    assert parent[:36] == GOOD[:36]
    assert parent[36:52] not in (SPAN, b"0" * 16)
    assert parent[52:] == b"-01"


def test_without_a_trace_none_is_begun() -> None:
    assert onward() == onward((b"tracestate", b"a=1")) == {}


@pytest.mark.parametrize(
    "given",
    [
        b"", b"nonsense", GOOD.upper(), GOOD[:-1], GOOD + b"-x", b"ff" + GOOD[2:], GOOD.replace(TRACE, b"0" * 32),
        GOOD.replace(SPAN, b"0" * 16), b" " + GOOD, GOOD + b"\n", GOOD + GOOD,
    ],
)  # fmt: skip
def test_what_cannot_be_read_becomes_a_new_trace(given: bytes) -> None:
    found = onward((b"traceparent", given), (b"tracestate", b"a=1"))

    assert set(found) == {b"traceparent"}
    assert trace.PARENT.match(found[b"traceparent"])
    assert TRACE not in found[b"traceparent"]


def test_two_parents_are_none() -> None:
    assert TRACE not in onward((b"traceparent", GOOD), (b"traceparent", GOOD))[b"traceparent"]


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert onward((b"traceparent", b"01" + GOOD[2:] + b"-more"))[b"traceparent"].startswith(b"00-" + TRACE)
    assert onward((b"traceparent", GOOD[:-2] + b"ff"))[b"traceparent"].endswith(b"-01")


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ([b"a=1"], b"a=1"),
        ([b"a=1, b=2"], b"a=1,b=2"),
        ([b"a=1", b"t@b=2"], b"a=1,t@b=2"),
        ([b"a=" + b"x" * 256], b"a=" + b"x" * 256),
        ([b"a=" + b"x" * 257], None),
        ([b",".join(b"a%d=1" % n for n in range(33))], None),
        ([b",".join(b"a%d=%s" % (n, b"x" * 40) for n in range(20))], None),
        ([b"A=1"], None),
        ([b"a"], None),
        ([b"a=\x00"], None),
    ],
)
def test_the_state_is_bounded(given: list[bytes], passed: bytes | None) -> None:
    assert (
        onward((b"traceparent", GOOD), *((b"tracestate", one) for one in given)).get(b"tracestate") == passed
    )
