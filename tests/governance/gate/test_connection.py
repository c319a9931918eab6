"""HTTP/1.1 at the gate: one answer to each request in the order in which they came, and bounds on all that is sent."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from governance.models import Decision
from tests.governance.gate.conftest import Running, Served, on_test_database, start
from tests.governance.gate.test_slow_senders import is_closed

pytestmark = pytest.mark.django_db(transaction=True)

STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


def question(served: Served, *more: str, method: str = "GET", version: str = "1.1") -> bytes:
    """What nginx would ask."""
    lines = [
        f"{method} /check HTTP/{version}", "Host: gate", f"X-Original-URI: {served.path}", "X-Original-Method: POST",
        f"Authorization: Bearer {served.secret}", *more, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def statuses(answers: bytes) -> list[int]:
    return [int(one) for one in STATUS.findall(answers)]


def test_requests_that_come_together_are_answered_in_their_order(gate: Running, served: Served) -> None:
    assert gate.check(served.path, served.secret).status_code == 200  # from here on it is answered at once
    ids = [f"request-{n:04}" for n in range(9)]
    asked = b"".join(
        question(served, f"X-Request-ID: {one}")
        if n % 3
        else f"GET /healthz HTTP/1.1\r\nHost: gate\r\nX-Request-ID: {one}\r\n\r\n".encode()
        for n, one in enumerate(ids)
    )

    answers = gate.raw(asked + b"GET /healthz HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")

    assert statuses(answers) == [200] * 10
    assert re.findall(rb"x-request-id: (request-\d{4})", answers) == [one.encode() for one in ids]
    assert Decision.objects.filter(request_id__in=ids, allowed=True).count() == 6


def test_a_request_that_comes_in_pieces_is_the_same_request(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)
    asked = question(served) + question(served, "Connection: close")
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(asked), 7):
            wire.sendall(asked[place : place + 7])
            time.sleep(0.001)
        answers = b""
        while chunk := wire.recv(65536):
            answers += chunk

    assert statuses(answers) == [200, 200]


def test_what_is_decided_at_once_is_what_is_decided_on_the_long_way(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)
    quick = gate.check(served.path, served.secret)
    slow = gate.check(served.path, served.secret, **{"X-Request-ID": "slow-1234", "Content-Length": "0"})
    denied = gate.check("/models/nothing-of-that-name/invocations", served.secret)
    again = gate.check("/models/nothing-of-that-name/invocations", served.secret)

    assert quick.headers.keys() == slow.headers.keys()
    assert quick.headers["x-cardinal-model"] == served.slug
    assert (denied.status_code, denied.json()["code"]) == (again.status_code, again.json()["code"])
    assert denied.headers.keys() == again.headers.keys()
    for answer in (quick, slow, denied, again):
        assert Decision.objects.get(pk=answer.headers["x-cardinal-decision"]).allowed == (
            answer.status_code == 200
        )


def test_a_head_is_answered_without_a_body_and_an_old_client_once(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)
    for method in ("GET", "HEAD"):
        head = gate.raw(question(served, "Connection: close", method=method))
        assert statuses(head) == [200]
        assert head.endswith(b"\r\n\r\n")
    refused = gate.raw(
        question(served, "Connection: close", method="HEAD").replace(served.slug.encode(), b"none")
    )
    assert statuses(refused) == [403]
    assert refused.endswith(b"\r\n\r\n")  # no body, though its length is said
    assert b"content-length: 0" not in refused
    old = gate.raw(question(served, version="1.0") * 2)
    assert statuses(old) == [200]
    assert b"connection: close" in old


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /check HTTP/1.1\r\nHost: gate\r\nX: " + b"a" * 400_000 + b"\r\n\r\n", 431),
        (b"GET /check HTTP/1.1\r\nHost: gate\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET /check HTTP/1.1\r\nHost: gate\r\n" + b"X: y\r\n" * 90_000, 431),
        (b"GET /" + b"a" * 400_000, 431),
        (b"GET /check HTTP/1.1\r\nHost gate\r\n\r\n", 400),
        (b"GET /check HTTP/1.1\r\nHost: gate\r\n folded\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
def test_what_is_too_long_or_no_http_is_refused_and_ends_the_connection(
    gate: Running, request_: bytes, status: int
) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as wire:
        try:
            wire.sendall(request_)
            answer = wire.recv(65536)
        except ConnectionError:  # it hung up while this was still being sent
            answer = f"HTTP/1.1 {status}".encode()
    assert statuses(answer) == [status]
    assert time.monotonic() - began < 8


def test_what_is_wrong_behind_a_question_does_not_take_its_answer(gate: Running, served: Served) -> None:
    gate.check(served.path, served.secret)

    assert statuses(gate.raw(question(served) + b"nonsense\r\n\r\n")) == [200, 400]
    slow = b"GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n"
    assert statuses(gate.raw(slow + slow + b"nonsense\r\n\r\n")) == [200, 200, 400]


def test_fields_behind_a_body_are_nobodys_and_bounded(gate: Running, served: Served) -> None:
    body = b"2\r\n{}\r\n0\r\n"
    start_ = (
        f"POST {served.path} HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n"
    ).encode()

    assert statuses(
        gate.raw(start_ + b"\r\n" + body + f"Authorization: Bearer {served.secret}\r\n\r\n".encode())
    ) == [401]
    flood = (
        start_ + f"Authorization: Bearer {served.secret}\r\n\r\n".encode() + body + b"X: " + b"a" * 2_000_000
    )
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as wire:
        try:
            wire.sendall(flood)
            while wire.recv(65536):
                pass
        except ConnectionError:
            pass
    assert gate.check(served.path, served.secret).status_code == 200


def test_a_body_that_cannot_be_understood_ends_the_query_and_the_connection(
    gate: Running, served: Served
) -> None:
    head = (
        f"POST {served.path} HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        f"Transfer-Encoding: chunked\r\nAuthorization: Bearer {served.secret}\r\n\r\n"
    ).encode()

    answer = gate.raw(head + b"2\r\n{}\r\nnonsense\r\n")

    assert statuses(answer) in ([400], [])
    assert gate.predict(served.path, served.secret).status_code == 200


def test_whoever_waits_for_leave_to_send_gets_it(gate: Running, served: Served) -> None:
    head = (
        f"POST {served.path} HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        f"Expect: 100-continue\r\nConnection: close\r\nAuthorization: Bearer {served.secret}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as wire:
        wire.sendall(head)
        assert statuses(wire.recv(4096)) == [100]
        wire.sendall(b"{}")
        answer = b""
        while chunk := wire.recv(4096):
            answer += chunk
    assert statuses(answer) == [200]


def test_whoever_asks_and_asks_and_takes_no_answer_is_not_read_any_further(
    gate: Running, served: Served
) -> None:
    gate.check(served.path, served.secret)
    asked = question(served) * 100
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.settimeout(3)
        wire.connect(("127.0.0.1", gate.port))
        with pytest.raises(TimeoutError):
            for _ in range(50_000_000 // len(asked)):
                wire.sendall(asked)


@pytest.fixture
def small_gate(transactional_db: None, tmp_path: Path) -> Iterator[Running]:
    """A gate with ten places."""
    running = start(tmp_path, on_test_database() | {"GATE_CALLERS": "10"})
    yield running
    running.end()


def test_when_all_places_are_taken_whoever_is_silent_longest_gives_theirs(
    small_gate: Running, served: Served
) -> None:
    with ExitStack() as open_ones:
        silent = []
        for _ in range(30):
            silent.append(
                open_ones.enter_context(socket.create_connection(("127.0.0.1", small_gate.port), timeout=5))
            )
            time.sleep(0.01)
        assert small_gate.check(served.path, served.secret).status_code == 200

        assert [is_closed(wire) for wire in silent[:20]] == [True] * 20
        assert (
            sum(is_closed(wire) for wire in silent[20:]) <= 2
        )  # for the one that asked, and a look at readiness
