"""What the gate reads is exactly what stands there, or it is refused."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from governance import tokens
from governance.gate.origin import Origins
from governance.gate.request import Query, read

# Well formed, and the same in every worker: the names of the tests are made from it.
TOKEN = "crd_p" + "Cardinal" * 5 + "abc"
TOKEN += tokens._checksum(TOKEN)
GOOD = b"/models/credit-scorer/invocations"


def ask(
    path: bytes = GOOD,
    *more: tuple[bytes, bytes],
    method: str = "POST",
    query: bytes = b"",
    token: str = TOKEN,
) -> Query:
    headers = [(b"host", b"gate"), *more]
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    scope = {"type": "http", "method": method, "raw_path": path, "query_string": query, "headers": headers}
    return read(scope, 1000)


def check(uri: bytes, *more: tuple[bytes, bytes], method: bytes = b"POST") -> Query:
    said = ((b"x-original-uri", uri), (b"x-original-method", method))
    return ask(b"/check", *said, *more, method="GET")


PATHS_REFUSED = [
    b"",
    b"/",
    b"*",
    b"/models",
    b"/models/",
    b"/models//invocations",
    b"//models/a/invocations",
    b"/models/a//invocations",
    b"/models/a/invocations/",
    b"/models/a/invocations\n",
    b"/models/a/invocations ",
    b"/models/a/invocations#x",
    b"/models/a/invocations?x=1",
    b"/models/a/invocations?",
    b"/models/a/invocations;x=1",
    b"/models;x/a/invocations",
    b"/models/a;b/invocations",
    b"/models/./invocations",
    b"/models/../invocations",
    b"/models/a/../b/invocations",
    b"/models/a/./invocations",
    b"/x/../models/a/invocations",
    b"/models/%61/invocations",
    b"/models/a%2fb/invocations",
    b"/models/a%252fb/invocations",
    b"/models/%2e%2e/invocations",
    b"/models/a%00/invocations",
    b"/models/a\x00/invocations",
    b"/models/a\\b/invocations",
    b"/models\\a\\invocations",
    b"/%6dodels/a/invocations",
    b"/models/a/invocations%20",
    b"/models/a/invocations%3f",
    b"/Models/a/invocations",
    b"/models/A/invocations",
    b"/models/a/Invocations",
    b"/models/a./invocations",
    b"/models/.a/invocations",
    b"/models/-a/invocations",
    b"/models/a\xc3\xa9/invocations",
    b"/models/\xd0\xb0/invocations",
    b"/models/a b/invocations",
    b"/models/a+b/invocations",
    b"/models/a@/invocations",
    b"/models/a@b@c/invocations",
    b"/models/a@b/versions/1/invocations",
    b"/models/a%40champion/invocations",
    b"/models/a/versions/0/invocations",
    b"/models/a/versions/01/invocations",
    b"/models/a/versions/-1/invocations",
    b"/models/a/versions/1e3/invocations",
    b"/models/a/versions/\xd9\xa1/invocations",
    b"/models/a/versions/9999999999/invocations",
    b"/models/a/versions//invocations",
    b"/models/" + b"a" * 121 + b"/invocations",
    b"http://gate/models/a/invocations",
    b"gate:80",
    b"models/a/invocations",
]


@pytest.mark.parametrize("path", PATHS_REFUSED)
def test_a_path_that_is_not_written_plainly_is_refused_at_both_doors(path: bytes) -> None:
    raw, _, query = path.partition(b"?")

    assert check(path).refusal == "path_refused"
    if query or b"?" not in path:  # a bare question mark does not reach the proxy's door
        assert ask(raw, query=query).refusal == "path_refused"


@pytest.mark.parametrize(
    ("path", "model", "alias", "number"),
    [
        (b"/models/credit-scorer/invocations", "credit-scorer", "champion", None),
        (b"/models/credit_2@next-one/invocations", "credit_2", "next-one", None),
        (b"/models/7/versions/12/invocations", "7", "", 12),
    ],
)
def test_plain_paths_are_understood_the_same_by_every_door(
    path: bytes, model: str, alias: str, number: int | None
) -> None:
    ways = [
        ask(path),
        check(path),
        ask(b"/check", (b"x-forwarded-uri", path), (b"x-forwarded-method", b"POST"), method="GET"),
        ask(b"/check" + path),
    ]

    for query in ways:
        assert (query.model, query.alias, query.number, query.refusal) == (model, alias, number, "")
        assert query.token == TOKEN


HEADERS_REFUSED = [
    ((b"content-length", b"1"), (b"content-length", b"1")),
    ((b"content-length", b"1"), (b"content-length", b"2")),
    ((b"content-length", b"1"), (b"transfer-encoding", b"chunked")),
    ((b"content-length", b"-1"),),
    ((b"content-length", b"+1"),),
    ((b"content-length", b"1_0"),),
    ((b"content-length", b"1, 1"),),
    ((b"transfer-encoding", b"gzip, chunked"),),
    ((b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")),
    ((b"upgrade", b"websocket"), (b"connection", b"Upgrade")),
    ((b"upgrade", b"h2c"),),
    ((b"host", b"other"),),
    ((b"content-type", b"a/b"), (b"content-type", b"c/d")),
]


@pytest.mark.parametrize("headers", HEADERS_REFUSED)
def test_headers_that_contradict_each_other_are_refused(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    assert ask(GOOD, *headers).refusal == "headers_refused"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (b"/check", [(b"x-original-uri", GOOD), (b"x-original-uri", GOOD)]),
        (b"/check", [(b"x-original-uri", GOOD), (b"x-forwarded-uri", GOOD)]),
        (b"/check" + GOOD, [(b"x-original-uri", GOOD)]),
        (b"/check" + GOOD, [(b"x-forwarded-uri", GOOD)]),
        (b"/check", [(b"x-original-uri", GOOD), (b"x-original-method", b"POST, GET")]),
        (b"/check", [(b"x-original-uri", GOOD), (b"x-original-method", b"post")]),
    ],
)
def test_only_one_source_may_say_what_was_asked(path: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    assert ask(path, *headers).refusal == "headers_refused"


def test_a_check_without_an_original_path_is_refused() -> None:
    assert ask(b"/check").refusal == "path_refused"
    assert ask(b"/check/").refusal == "path_refused"
    assert ask(b"/check", (b"x-original-uri", GOOD), query=b"a=b").refusal == "path_refused"


def test_two_credentials_are_refused() -> None:
    assert ask(GOOD, (b"authorization", f"Bearer {TOKEN}".encode())).refusal == "several_credentials"
    assert ask(token=f"{TOKEN},{TOKEN}").refusal == "several_credentials"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (GOOD, f"token={TOKEN}".encode()),
        (GOOD, b"access_token=x"),
        (GOOD, f"t=%63rd_{TOKEN[4:]}".encode()),
        (f"/models/a@{TOKEN}/invocations".encode(), b""),
        (f"/check/models/{TOKEN}/invocations".encode(), b""),
    ],
)
def test_a_token_in_the_address_is_refused_and_not_kept(path: bytes, query: bytes) -> None:
    found = ask(path, query=query, token="")

    assert found.refusal == "token_in_url"
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "token_missing"),
        (b"Basic YTpi", "token_missing"),
        (b"Bearer", "token_malformed"),
        (b"Bearer ", "token_malformed"),
        (b"Bearer abc", "token_malformed"),
        (f"Bearer  {TOKEN}".encode(), "token_malformed"),
        (f"Bearer {TOKEN} ".encode(), "token_malformed"),
        (f"Bearer\t{TOKEN}".encode(), "token_malformed"),
        (f"Bearer {TOKEN[:-1]}".encode(), "token_malformed"),
        (f"Bearer {TOKEN[:-1]}{'0' if TOKEN[-1] != '0' else '1'}".encode(), "token_malformed"),
        (f"Bearer {TOKEN}\x00".encode(), "token_malformed"),
        (b"Bearer \xff\xfe", "token_malformed"),
    ],
)
def test_a_token_is_well_formed_before_anybody_looks_for_it(value: bytes, code: str) -> None:
    assert ask(GOOD, (b"authorization", value), token="").refusal == code


def test_predictions_are_posted() -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        assert ask(method=method).refusal == "method_refused"
        assert check(GOOD, method=method.encode()).refusal == "method_refused"


def test_a_method_override_overrides_nothing() -> None:
    for method in ("GET", "POST"):
        assert ask(GOOD, (b"x-http-method-override", b"POST"), method=method).refusal == "headers_refused"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read() -> None:
    assert ask(GOOD, (b"content-length", b"1001")).refusal == "too_large"
    assert ask(GOOD, (b"content-length", b"1000")).refusal == ""


@pytest.mark.parametrize(
    "given", [b"short", b"a" * 65, b"evil\nline-12345", b'{"a":"b-c-d-e"}', TOKEN.encode()]
)
def test_a_request_id_that_is_not_plain_is_replaced(given: bytes) -> None:
    assert ask(GOOD, (b"x-request-id", given)).request_id.encode() != given
    assert ask(GOOD, (b"x-request-id", b"0af7651916cd43dd")).request_id == "0af7651916cd43dd"


def test_the_token_is_not_in_what_a_query_prints() -> None:
    assert TOKEN not in repr(ask())


TRUSTED = Origins([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


def origin(peer: str, *said: bytes, path: bytes = GOOD) -> str:
    headers = [(b"x-forwarded-for", one) for one in said]
    scope = {"raw_path": path, "method": "POST", "query_string": b"", "headers": headers, "client": (peer, 1)}
    return read(scope, 1000, TRUSTED).network


@pytest.mark.parametrize(
    ("peer", "said", "network"),
    [
        ("192.0.2.7", [], "192.0.2.7"),
        ("::ffff:192.0.2.7", [], "192.0.2.7"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("192.0.2.7", [b"198.51.100.1"], "192.0.2.7"),  # nobody asked this one
        ("10.0.0.1", [b"198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # what stands left came from outside
        ("10.0.0.1", [b"203.0.113.9, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", [b"203.0.113.9", b"198.51.100.1"], "198.51.100.1"),
        ("fd00::1", [b"2001:db8::5"], "2001:db8::5"),
        ("10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], ""),  # a proxy that does not say whom it asks for
        ("10.0.0.1", [b""], ""),
        ("10.0.0.1", [b"unknown"], ""),
        ("10.0.0.1", [b"198.51.100.1, nonsense"], ""),
        ("10.0.0.1", [b"198.51.100.1:4711"], ""),
        ("10.0.0.1", [b", ".join([b"10.0.0.2"] * 50)], ""),
        ("nonsense", [], ""),
    ],
)
def test_where_a_query_comes_from(peer: str, said: list[bytes], network: str) -> None:
    assert origin(peer, *said) == network


def test_the_address_of_an_unknown_proxy_is_not_taken_for_the_callers() -> None:
    assert origin("192.0.2.7", path=b"/check") == ""
    assert origin("192.0.2.7", b"198.51.100.1", path=b"/check") == ""
    assert origin("10.0.0.1", b"198.51.100.1", path=b"/check") == "198.51.100.1"


@pytest.mark.parametrize("text", [b"Two Words", b"a" * 81, b"-x", b"x_y", b"x\xff", b"credit,scoring"])
def test_a_purpose_that_no_policy_could_name_is_refused(text: bytes) -> None:
    assert ask(GOOD, (b"cardinal-purpose", text)).refusal == "purpose_malformed"


def test_a_purpose_is_named_once() -> None:
    assert ask(GOOD, (b"cardinal-purpose", b"triage")).purpose == "triage"
    assert ask(GOOD, (b"cardinal-purpose", b"")).purpose == ask().purpose == ""
    assert ask(GOOD, *[(b"cardinal-purpose", b"triage")] * 2).refusal == "headers_refused"


def test_the_size_of_a_body_is_what_was_announced() -> None:
    assert ask().payload_bytes == 0
    assert ask(GOOD, (b"content-length", b"12")).payload_bytes == 12
    assert ask(GOOD, (b"transfer-encoding", b"chunked")).payload_bytes is None
    assert check(GOOD).payload_bytes is None
    assert check(GOOD, (b"content-length", b"5")).payload_bytes is None
    assert check(GOOD, (b"x-original-content-length", b"12")).payload_bytes is None  # anybody can say so
    assert check(GOOD, (b"x-original-content-length", b"twelve")).refusal == "headers_refused"


def test_what_a_caller_says_of_its_address_is_remembered_only_when_short() -> None:
    origins = Origins([ip_network("10.0.0.0/8")])
    for n in range(50):
        assert origins.network("10.0.0.1", b"x" * 60_000 + str(n).encode(), True) == ""
        assert origins.network("10.0.0.1", b"192.0.2.7", True) == "192.0.2.7"

    assert origins._known.cache_info().currsize == 1
