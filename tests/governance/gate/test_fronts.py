"""By whose contract a question comes, and what of it is believed from whom."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from governance.gate import answers, fronts, reasons
from governance.gate.configuration import front
from governance.gate.origin import Origins
from governance.gate.request import CHECK, Query, read
from governance.settings import networks
from tests.governance.gate.test_request import GOOD, TOKEN

PROXY = ("10.0.0.1", 4711)
TRUSTED = Origins([ip_network("10.0.0.0/8")])
NGINX = [(b"x-original-uri", GOOD), (b"x-original-method", b"POST")]
TRAEFIK = [(b"x-forwarded-uri", GOOD), (b"x-forwarded-method", b"POST")]
SIZE = [(b"x-original-content-length", b"12")]
WHOM = [(b"x-forwarded-for", b"192.0.2.7")]
Headers = list[tuple[bytes, bytes]]


def ask(
    headers: Headers, path: bytes = b"/check", peer: Any = PROXY, front: str = fronts.ANY, query: bytes = b""
) -> Query:
    scope = {
        "type": "http",
        "method": "POST" if path != b"/check" else "GET",
        "raw_path": path,
        "query_string": query,
        "headers": [(b"host", b"gate"), (b"authorization", f"Bearer {TOKEN}".encode()), *headers],
        "client": peer,
    }
    return read(scope, 1000, TRUSTED, front)


WAYS = {
    fronts.NGINX: (NGINX, b"/check"),
    fronts.ENVOY: ([], b"/check" + GOOD),
    fronts.TRAEFIK: (TRAEFIK, b"/check"),
}


@pytest.mark.parametrize("speaks", WAYS)
@pytest.mark.parametrize("counts", fronts.FRONTS)
def test_only_the_front_that_is_set_may_speak(speaks: str, counts: str) -> None:
    headers, path = WAYS[speaks]

    query = ask(headers, path, front=counts)

    if counts in (fronts.ANY, speaks):
        assert (query.refusal, query.front, query.model) == ("", speaks, "credit-scorer")
    else:
        assert query.refusal == "headers_refused"


@pytest.mark.parametrize("counts", fronts.FRONTS)
@pytest.mark.parametrize(("one", "other"), [(NGINX, TRAEFIK), (NGINX[:1], TRAEFIK[1:]), (TRAEFIK, NGINX[1:])])
def test_two_never_speak_at_once(one: Headers, other: Headers, counts: str) -> None:
    assert ask(one + other, front=counts).refusal == "headers_refused"
    assert ask(one, b"/check" + GOOD, front=counts).refusal == "headers_refused"
    assert ask(other, b"/check" + GOOD, front=counts).refusal == "headers_refused"


def test_a_front_that_leaves_out_the_method_is_not_guessed_at() -> None:
    assert ask(NGINX[:1]).refusal == "headers_refused"
    assert ask(TRAEFIK[:1]).refusal == "headers_refused"
    assert ask(NGINX[1:]).refusal == "path_refused"
    assert ask(TRAEFIK[1:]).refusal == "path_refused"
    assert ask(NGINX, query=b"a=b").refusal == "path_refused"


@pytest.mark.parametrize(
    "peer", [("192.0.2.9", 1), ("", 0), None, ("/run/nginx.sock", None), ("10.0.0.1.", 1)]
)
@pytest.mark.parametrize("speaks", [fronts.NGINX, fronts.ENVOY])
def test_whoever_is_no_proxy_asks_about_their_own_token_and_says_nothing_in_their_favour(
    speaks: str, peer: Any
) -> None:
    headers, path = WAYS[speaks]

    believed = ask(headers + SIZE + WHOM, path)
    not_believed = ask(headers + SIZE + WHOM, path, peer)

    assert (believed.network, believed.payload_bytes) == ("192.0.2.7", 12)
    assert (not_believed.network, not_believed.payload_bytes) == ("", None)
    assert (not_believed.refusal, not_believed.token, not_believed.model) == ("", TOKEN, "credit-scorer")


def test_behind_traefik_a_caller_could_say_the_length_so_nobody_may() -> None:
    assert ask(TRAEFIK + SIZE).refusal == "headers_refused"


def test_only_x_forwarded_for_names_a_caller() -> None:
    others = [
        (b"x-real-ip", b"192.0.2.7"),
        (b"forwarded", b"for=192.0.2.7"),
        (b"true-client-ip", b"192.0.2.7"),
    ]

    assert ask(NGINX + others).network == ""
    assert ask(NGINX + others + WHOM).network == "192.0.2.7"
    assert ask(NGINX + WHOM, peer=("::ffff:10.0.0.1", 1)).network == "192.0.2.7"
    assert ask([*NGINX, (b"x-forwarded-for", b"::ffff:192.0.2.7, ::ffff:10.0.0.3")]).network == "192.0.2.7"


def test_trusted_networks_in_the_clothes_of_ipv6_are_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PROXIES", "::ffff:10.0.0.0/104, ::ffff:192.0.2.1/128, ::/0, 10.1.0.0/16")

    assert [str(one) for one in networks("SOME_PROXIES")] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "::/0",
        "10.1.0.0/16",
    ]


@pytest.mark.parametrize("name", sorted(fronts.TRICKS))
def test_a_header_that_another_server_reads_as_a_deciding_one_is_refused(name: bytes) -> None:
    for headers, path in WAYS.values():
        assert ask([*headers, (name, b"x")], path).refusal == "headers_refused"
    assert ask([(name, b"x")], GOOD).refusal == "headers_refused"


def test_every_way_to_write_a_name_with_underscores_is_known() -> None:
    assert fronts.disguises([b"x-original-uri"]) == {b"x_original-uri", b"x-original_uri", b"x_original_uri"}
    assert not fronts.TRICKS & set(fronts.HEADERS)


@pytest.mark.parametrize("value", [b"close", b"keep-alive", b"Keep-Alive", b"close, TE", b"", b"upgrade"])
def test_plain_words_of_connection_are_understood(value: bytes) -> None:
    assert ask([(b"connection", value)], GOOD).refusal == ""


@pytest.mark.parametrize(
    "value", [b"x-original-uri", b"close, X-Forwarded-For", b"close;a", b"\xff", b"host"]
)
def test_a_header_that_connection_names_is_not_dropped_but_refused(value: bytes) -> None:
    assert ask([(b"connection", value)], GOOD).refusal == "headers_refused"
    assert ask([*NGINX, (b"connection", value)]).refusal == "headers_refused"


@pytest.mark.parametrize("front", ["", *WAYS])
def test_nginx_hears_three_statuses_and_the_others_each(front: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for reason in reasons.REASONS.values():
        sent.clear()
        asyncio.run(answers.refuse(send, Query(door=CHECK, request_id="r", front=front), reason, None))

        few = front in ("", fronts.NGINX)
        assert sent[0]["status"] == (reason.check_status if few else reason.status)
        assert (b"cache-control", b"no-store") in sent[0]["headers"]


def test_an_unknown_front_stops_the_gate_at_its_start() -> None:
    assert [front(name) for name in fronts.FRONTS] == list(fronts.FRONTS)
    with pytest.raises(ImproperlyConfigured, match="GATE_FRONT must be one of any, nginx, envoy, traefik"):
        front("apache")
