"""What a model server's failure does: to whoever asked, and to nobody else."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.governance.gate.behind.conftest import Talker, chat
from tests.governance.gate.conftest import (
    Running,
    Served,
    code,
    free_port,
    on_test_database,
    serve,
    start,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_server_that_fails_again_and_again_is_left_alone(wide: Running, transactional_db: None) -> None:
    port = free_port()
    served = serve(f"http://127.0.0.1:{port}")
    told = [code(wide.predict(served.path, served.secret)) for _ in range(5)]
    began = time.monotonic()
    left = wide.predict(served.path, served.secret)

    assert told == ["upstream_unreachable"] * 5
    assert (left.status_code, code(left)) == (503, "upstream_open")
    assert 1 <= int(left.headers["retry-after"]) <= 2
    assert time.monotonic() - began < 1.0
    assert stored(left).allowed
    with _listening(port, [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]):
        time.sleep(2.1)
        assert wide.predict(served.path, served.secret).status_code == 200


def test_a_prediction_that_may_have_arrived_is_not_sent_twice(wide: Running, transactional_db: None) -> None:
    port = free_port()
    served = serve(f"http://127.0.0.1:{port}")
    with _listening(port, [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]) as taken:
        response = wide.predict(served.path, served.secret)

        assert (response.status_code, code(response)) == (502, "upstream_unreachable")
        assert len(taken) == 1


def test_a_question_that_only_reads_is(wide: Running, transactional_db: None) -> None:
    port = free_port()
    served = serve(f"http://127.0.0.1:{port}", protocol="v2")
    answers = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]
    with _listening(port, answers) as taken:
        response = wide.client.get(
            f"/v2/models/{served.slug}", headers={"Authorization": f"Bearer {served.secret}"}
        )

        assert response.status_code == 200
        assert len(taken) == 2


def test_a_server_that_was_not_there_for_a_moment_is_asked_once_more(
    wide: Running, transactional_db: None
) -> None:
    port = free_port()
    served = serve(f"http://127.0.0.1:{port}")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(wide.predict, served.path, served.secret)
        time.sleep(0.03)
        with _listening(port, [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"] * 2):
            response = asked.result()

    assert response.status_code in (200, 502)  # 502 when the first try took longer than the pause
    assert stored(response).allowed


def test_half_an_answer_does_not_pass_for_a_whole_one(wide: Running, transactional_db: None) -> None:
    port = free_port()
    served = serve(f"http://127.0.0.1:{port}")
    with _listening(port, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]):
        with pytest.raises(httpx.TransportError):
            wide.predict(served.path, served.secret)


def test_one_slow_server_holds_up_nobody_else(
    wide: Running, chatting: Served, talker: Talker, scoring: Any
) -> None:
    other = serve(scoring.url)
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(chat, wide, chatting, pause=1.5) for _ in range(3)]
        time.sleep(0.7)
        full = chat(wide, chatting)
        began = time.monotonic()
        assert wide.predict(other.path, other.secret).status_code == 200
        assert time.monotonic() - began < 0.7

        assert (full.status_code, code(full)) == (503, "upstream_busy")
        assert full.headers["retry-after"] == "1"
        assert [one.result().status_code for one in slow] == [200] * 3


def test_a_slow_caller_keeps_its_place_for_so_long_only(
    transactional_db: None, scoring: Any, tmp_path: Path
) -> None:
    served = serve(scoring.url)
    gate = start(tmp_path, on_test_database() | {"GATE_BODY_TIMEOUT": "1"})
    try:
        head = (
            f"POST {served.path} HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {served.secret}\r\n"
            "Content-Length: 1000\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as wire:
            wire.sendall(head.encode())
            wire.settimeout(0.2)
            answer, began = b"", time.monotonic()
            while not answer and time.monotonic() - began < 5:
                wire.sendall(b"x")  # always something, never enough
                try:
                    answer = wire.recv(65536)
                except TimeoutError:
                    continue

        assert b" 408 " in answer
        assert b"slow_caller" in answer
    finally:
        gate.end()


class _listening:  # noqa: N801 - reads as what it is
    """A server that answers each connection with the next of `answers`, and then hangs up. Its value: what came in."""

    def __init__(self, port: int, answers: list[bytes]) -> None:
        self._answers = answers
        self._taken: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> list[bytes]:
        self._thread.start()
        return self._taken

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                wire, _ = self._socket.accept()
            except OSError:
                return
            with wire:
                taken = wire.recv(65536)
                while b"\r\n\r\n" not in taken or (b"POST" in taken and not taken.endswith(b"{}")):
                    taken += wire.recv(65536)
                self._taken.append(taken)
                if answer:
                    wire.sendall(answer)
