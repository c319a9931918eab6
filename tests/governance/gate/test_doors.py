"""Each protocol has its own grammar, and what the body says of the model is read as strictly as a path."""

from __future__ import annotations

import json

import pytest

from governance.gate import bodies, doors, request
from governance.gate.doors import MLFLOW, OPENAI, V1, V2
from governance.gate.reasons import Refused
from governance.gate.upstream import Upstream
from tests.governance.gate.test_request import ask, check

PLAIN = [
    # path, protocol, method, action, model, alias, number
    (b"/models/m/invocations", MLFLOW, "POST", "predict", "m", "champion", None),
    (b"/models/m@next/invocations", MLFLOW, "POST", "predict", "m", "next", None),
    (b"/v2/models/m/infer", V2, "POST", "predict", "m", "champion", None),
    (b"/v2/models/m@next/infer", V2, "POST", "predict", "m", "next", None),
    (b"/v2/models/m/versions/12/infer", V2, "POST", "predict", "m", "", 12),
    (b"/v2/models/m/versions/next/infer", V2, "POST", "predict", "m", "next", None),
    (b"/v2/models/m/versions/2b/infer", V2, "POST", "predict", "m", "2b", None),
    (b"/v2/models/m", V2, "GET", "predict", "m", "champion", None),
    (b"/v2/models/m/ready", V2, "GET", "predict", "m", "champion", None),
    (b"/v2/models/m/versions/3", V2, "GET", "predict", "m", "", 3),
    (b"/v2/models/m/versions/3/ready", V2, "GET", "predict", "m", "", 3),
    (b"/v2/models/m/versions/ready", V2, "GET", "predict", "m", "ready", None),
    (b"/v1/models/m", V1, "GET", "predict", "m", "champion", None),
    (b"/v1/models/m/metadata", V1, "GET", "predict", "m", "champion", None),
    (b"/v1/models/m:predict", V1, "POST", "predict", "m", "champion", None),
    (b"/v1/models/m:classify", V1, "POST", "predict", "m", "champion", None),
    (b"/v1/models/m:regress", V1, "POST", "predict", "m", "champion", None),
    (b"/v1/models/m:explain", V1, "POST", "explain", "m", "champion", None),
    (b"/v1/models/m@next:predict", V1, "POST", "predict", "m", "next", None),
    (b"/v1/models/m/versions/4:predict", V1, "POST", "predict", "m", "", 4),
    (b"/v1/models/m/labels/stable:predict", V1, "POST", "predict", "m", "stable", None),
    (b"/v1/models/m/labels/7:predict", V1, "POST", "predict", "m", "7", None),
    (b"/v1/models/m/versions/4", V1, "GET", "predict", "m", "", 4),
]


@pytest.mark.parametrize(("path", "protocol", "method", "action", "model", "alias", "number"), PLAIN)
def test_a_plain_path_means_one_thing_at_every_door(
    path: bytes, protocol: str, method: str, action: str, model: str, alias: str, number: int | None
) -> None:
    ways = [
        ask(path, method=method),
        check(path, method=method.encode()),
        ask(b"/check" + path, method=method),
    ]

    for query in ways:
        assert query.refusal == ""
        assert (query.model, query.alias, query.number, query.action) == (model, alias, number, action)
        assert (query.operation.protocol, query.operation.method) == (protocol, method)
        assert query.named == (alias != "champion" or number is not None)


REFUSED = [
    b"/v2", b"/v2/", b"/v2/models", b"/v2/models/", b"/v2/models//infer", b"/v2/models/m/", b"/v2/models/m/infer/",
    b"/v2/models/m/Infer", b"/v2/models/M/infer", b"/V2/models/m/infer", b"/v2/models/m/versions/infer/",
    b"/v2/models/m/versions", b"/v2/models/m/versions/", b"/v2/models/m/versions//infer", b"/v2/models/m/versions/0/infer",
    b"/v2/models/m/versions/01/infer", b"/v2/models/m/versions/1234567890/infer", b"/v2/models/m/versions/1/2/infer",
    b"/v2/models/m@a/versions/1/infer", b"/v2/models/m@/infer", b"/v2/models/m/versions/%31/infer",
    b"/v2/models/m%2Finfer", b"/v2/models/../models/m/infer", b"/v2/models/m/infer;x", b"/v2/models/m/infer?x=1",
    b"/v2/models/m/infer\n", b"/v2/models/m/generate", b"/v2/repository/index", b"/v2/repository/models/m/load",
    b"/v2/models/m/versions/\xd9\xa1/infer", b"/v2/health/live", b"/v2/models/m/versions/a.b/infer",
    b"/v1", b"/v1/models", b"/v1/models/", b"/v1/models/m/", b"/v1/models/m:", b"/v1/models/m:Predict",
    b"/v1/models/m:predict:predict", b"/v1/models/m:predict/", b"/v1/models/m/predict", b"/v1/models/m%3Apredict",
    b"/v1/models/m:delete", b"/v1/models/m/versions/next:predict", b"/v1/models/m/versions/0:predict",
    b"/v1/models/m/labels/:predict", b"/v1/models/m/labels/a b:predict", b"/v1/models/m/labels/a/versions/1:predict",
    b"/v1/models/m@a/labels/b:predict", b"/v1/models/m:predict?x", b"/v1/models/m/labels/a:explain:predict",
    b"/openai/v1/chat/completions/", b"/openai/v1/models", b"/openai/v1/Chat/completions", b"/openai/v1//completions",
    b"/openai/v1/chat/completions?model=m", b"/openai/v2/chat/completions", b"/openai", b"/v1/chat/completions",
]  # fmt: skip


@pytest.mark.parametrize("path", REFUSED)
def test_what_is_not_exactly_an_address_is_refused(path: bytes) -> None:
    raw, _, query = path.partition(b"?")

    for method in ("GET", "POST"):
        assert ask(raw, query=query, method=method).refusal == "path_refused"
    assert check(path).refusal == "path_refused"


def test_what_is_understood_is_remembered_and_what_is_refused_is_not() -> None:
    request._target.cache_clear()

    for _ in range(3):
        ask(b"/v2/models/m/infer")
        ask(b"/v2/models/m/nothing")

    assert request._target.cache_info().currsize == 1


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        (b"/models/m/invocations", b"POST, OPTIONS"),
        (b"/v2/models/m/infer", b"POST, OPTIONS"),
        (b"/v2/models/m", b"GET, HEAD, OPTIONS"),
        (b"/v1/models/m", b"GET, HEAD, OPTIONS"),
        (b"/openai/v1/chat/completions", b"POST, OPTIONS"),
    ],
)
def test_another_method_is_refused_and_the_model_is_kept(path: bytes, allow: bytes) -> None:
    model = "" if b"openai" in path else "m"
    wrong = "GET" if b"POST" in allow else "POST"

    for method in (wrong, "PUT", "DELETE", "PATCH", "TRACE"):
        query = ask(path, method=method)
        assert (query.refusal, query.model, query.operation.allow) == ("method_refused", model, allow)


def test_options_needs_no_token_and_is_no_question_that_a_proxy_may_pass_on() -> None:
    assert ask(b"/v2/models/m/infer", method="OPTIONS", token="").refusal == ""
    assert check(b"/v2/models/m/infer", method=b"OPTIONS").refusal == "method_refused"
    assert ask(b"/check/v2/models/m/infer", method="OPTIONS").refusal == "method_refused"


def test_head_reads_what_get_reads() -> None:
    assert ask(b"/v2/models/m/ready", method="HEAD").refusal == ""
    assert check(b"/v2/models/m/ready", method=b"HEAD").refusal == ""
    assert ask(b"/v2/models/m/infer", method="HEAD").refusal == "method_refused"


def test_a_question_that_only_reads_has_no_body() -> None:
    assert ask(b"/v2/models/m", (b"content-length", b"1"), method="GET").refusal == "headers_refused"
    assert ask(b"/v2/models/m", (b"transfer-encoding", b"chunked"), method="GET").refusal == "headers_refused"
    assert ask(b"/v2/models/m", (b"content-length", b"0"), method="GET").refusal == ""


@pytest.mark.parametrize(
    ("given", "refusal"),
    [(b"5", ""), (b"10", ""), (b"11", "headers_refused"), (b"-1", "headers_refused"), (b"", "headers_refused"), (b"1e1", "headers_refused")],
)  # fmt: skip
def test_the_json_before_binary_tensors_fits_into_the_body(given: bytes, refusal: str) -> None:
    framing = [(b"content-length", b"10"), (b"inference-header-content-length", given)]

    assert ask(b"/v2/models/m/infer", *framing).refusal == refusal
    assert ask(b"/v2/models/m/infer", *framing, framing[1]).refusal == "headers_refused"


def test_where_the_body_names_the_model_no_decision_point_can_decide() -> None:
    assert check(b"/openai/v1/chat/completions").refusal == "body_refused"
    assert ask(b"/check/openai/v1/chat/completions").refusal == "body_refused"


CHAT = doors.target(b"/openai/v1/chat/completions").operation


@pytest.mark.parametrize(
    ("name", "alias", "number"),
    [("credit-scorer", "champion", None), ("credit-scorer@next", "next", None), ("credit-scorer/versions/3", "", 3)],
)  # fmt: skip
def test_the_body_names_a_model_as_a_path_does(name: str, alias: str, number: int | None) -> None:
    model, document = bodies.understood(json.dumps({"messages": [1.5, "é"], "model": name}).encode())
    asked = doors.named(CHAT, model)

    assert (asked.operation.protocol, asked.model, asked.alias, asked.number) == (
        OPENAI,
        "credit-scorer",
        alias,
        number,
    )
    assert json.loads(document.naming("org/served:7")) == {"model": "org/served:7", "messages": [1.5, "é"]}


def test_a_body_that_holds_nothing_but_the_model_is_one() -> None:
    assert json.loads(bodies.understood(b'{"model": "m"}')[1].naming("m")) == {"model": "m"}


BODIES_REFUSED = [
    b"", b"null", b"[]", b'"m"', b"{", b"{}", b'{"model": 1}', b'{"model": null}', b'{"model": ["m"]}',
    b'{"model": "m", "model": "n"}', b'{"model": "m", "mod\\u0065l": "n"}', b'{"model": "m"} {"model": "n"}',
    b'{"model": "m", "a": {"b": 1, "b": 2}}', b'{"model": "m", "a": NaN}', b'{"model": "m", "a": -Infinity}',
    b'{"model": "m", "a": 1e999}', b'{"model": "m", "a": "\xff"}', b'{"model": "m", "a": "\\ud800"}',
    b"\xef\xbb\xbf" + b'{"model": "m"}', b'{"model": "m", "a": ' + b"9" * 5000 + b"}", b"{'model': 'm'}",
    b'{"model": "m", "a": ' + b"[" * 200 + b"]" * 200 + b"}", b'{"model": "m", "a": ' + b"[" * 5000,
    b'{"model": "m", "a": [' + b"{}," * 120_000 + b"{}]}", b'{"Model": "m"}', b'\x00{"model": "m"}',
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES_REFUSED)
def test_a_body_with_two_meanings_or_none_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="body_refused"):
        bodies.understood(body)


@pytest.mark.parametrize(
    "name", ["", "M", "m@", "m@a@b", "m/invocations", "m/versions/0", "m/versions/a", "../m", "m ", "m\n", "é", "m@" + "a" * 256]
)  # fmt: skip
def test_a_name_in_a_body_is_a_name(name: str) -> None:
    with pytest.raises(Refused, match="body_refused"):
        doors.named(CHAT, name.encode())


def test_brackets_in_a_text_are_no_depth() -> None:
    text = "[" * 1000 + '{"' * 1000
    model, document = bodies.understood(json.dumps({"model": "m", "a": text, "b": [[[]]] * 100}).encode())

    assert model == b"m"
    assert json.loads(document.rest)["a"] == text


@pytest.mark.parametrize(
    ("upstream", "path", "address"),
    [
        (Upstream("http://s"), b"/models/m@next/invocations", "http://s/invocations"),
        (Upstream("http://s/x", V2), b"/v2/models/m/infer", "http://s/x/v2/models/m/infer"),
        (Upstream("http://s", V2, "other"), b"/v2/models/m@next/ready", "http://s/v2/models/other/ready"),
        (Upstream("http://s", V2, "other", version_in_path=True), b"/v2/models/m@next", "http://s/v2/models/other/versions/3"),
        (Upstream("http://s", V1, "", version_in_path=True), b"/v1/models/m/labels/a:explain", "http://s/v1/models/m/versions/3:explain"),
        (Upstream("http://s", V1), b"/v1/models/m/metadata", "http://s/v1/models/m/metadata"),
        (Upstream("http://s", OPENAI), b"/openai/v1/embeddings", "http://s/v1/embeddings"),
    ],
)  # fmt: skip
def test_the_version_that_was_approved_goes_on_by_its_number(
    upstream: Upstream, path: bytes, address: str
) -> None:
    asked = doors.target(path)

    assert upstream.address(asked.operation, asked.model, 3) == address


def test_what_is_held_of_all_bodies_is_bounded() -> None:
    held = bodies.Bodies(limit=100, memory=150, whole=1)
    document = bodies.Document(b"x" * 40)

    with held.room(100) as first:
        assert first
        with held.room(None) as second:
            assert second is None
        held.settle(first, document)
        with held.room(None) as third, held.room(10) as fourth, held.room(1) as fifth:
            assert (third, fourth, fifth) == (bodies.Held(100), bodies.Held(10), None)

    with held.room(5_000) as large, held.room(50) as other:
        assert large == bodies.Held(100)  # more than the limit is never read
        assert other
