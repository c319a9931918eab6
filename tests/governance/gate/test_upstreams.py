"""A gate with model servers of every kind behind it: what reaches them, what comes back, and what a failure does."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.models import Decision
from registry.models import Endpoint
from tests import factories
from tests.governance.gate.conftest import (
    ROOT,
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

SECRET = "sk-of-the-gate-alone"
CHAT = "/openai/v1/chat/completions"


@dataclass
class Talker:
    """The talking model server."""

    url: str

    def seen(self) -> list[dict[str, Any]]:
        """What came in, oldest first."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/seen", trust_env=False).json()
        return found

    @property
    def last(self) -> dict[str, Any]:
        return self.seen()[-1]


@pytest.fixture(scope="module")
def talker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talker]:
    """Under uvicorn, on loopback."""
    port = free_port()
    log = tmp_path_factory.mktemp("talker") / "log"
    command = ["uvicorn", "tests.governance.gate.talker:app", "--port", str(port), "--log-level", "warning"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *command, "--lifespan", "off"], cwd=ROOT, stdout=out, stderr=out
        )
    found = Talker(f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 30
    while True:
        try:
            found.seen()
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
    yield found
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def wide(
    django_db_setup: None, tmp_path_factory: pytest.TempPathFactory, talker: Talker
) -> Iterator[Running]:
    """A gate that lets large bodies through, few calls at once, and that knows one secret for the talker."""
    own = {
        "GATE_BODY_LIMIT": "200000000",
        "GATE_UPSTREAM_CALLS": "3",
        "GATE_JSON_LIMIT": "20000",
        "GATE_CREDENTIALS": "llm",
        "GATE_CREDENTIAL_LLM": SECRET,
        "GATE_CREDENTIAL_LLM_HOSTS": talker.url,
    }
    running = start(tmp_path_factory.mktemp("gate"), on_test_database() | own)
    yield running
    running.end()


@pytest.fixture
def chatting(transactional_db: None, talker: Talker) -> Served:
    """A model that talks."""
    return serve(talker.url, protocol="openai", served_name="org/large:7b")


def chat(gate: Running, served: Served, model: str = "", path: str = CHAT, **asked: Any) -> httpx.Response:
    body = {"model": model or served.slug} | asked
    return gate.predict(path, served.secret, json.dumps(body).encode())


class TestChat:
    def test_the_model_stands_in_the_body_and_goes_on_by_the_servers_name(
        self, wide: Running, chatting: Served, talker: Talker
    ) -> None:
        response = chat(wide, chatting, messages=[{"role": "user", "content": "é"}])

        assert response.status_code == 200, response.text
        assert talker.last["path"] == "/v1/chat/completions"
        assert talker.last["body"] == {
            "model": "org/large:7b",
            "messages": [{"role": "user", "content": "é"}],
        }
        assert "authorization" not in talker.last["headers"]
        decision = stored(response)
        assert (decision.model, decision.version, decision.reason) == (chatting.slug, 1, "allowed")
        assert decision.payload_bytes == len(response.request.content)

    def test_the_body_may_name_an_alias_or_a_number(self, wide: Running, chatting: Served) -> None:
        assert chat(wide, chatting, f"{chatting.slug}@champion").status_code == 200
        assert chat(wide, chatting, f"{chatting.slug}/versions/1").status_code == 200
        assert code(chat(wide, chatting, f"{chatting.slug}@nobody")) == "version_unknown"
        assert code(chat(wide, chatting, f"{chatting.slug}/versions/2")) == "version_unknown"

    def test_an_unknown_model_looks_like_a_forbidden_one(self, wide: Running, chatting: Served) -> None:
        forbidden = factories.model(name="a-secret-project")
        answers = [chat(wide, chatting, name) for name in (forbidden.slug, "no-such-project")]

        assert [code(one) for one in answers] == ["scope_model"] * 2
        assert [stored(one).reason for one in answers] == ["scope_model", "model_unknown"]
        assert len({len(one.content) for one in answers}) == 1

    def test_whoever_has_no_token_is_refused_before_a_byte_of_the_body(
        self, wide: Running, chatting: Served
    ) -> None:
        stranger = chatting.secret[:-1]
        for token, told in (("", "token_missing"), (stranger, "token_malformed")):
            response = wide.predict(CHAT, token, b"not JSON at all")
            assert (response.status_code, code(response)) == (401, told)

        factories_token = Decision.objects.order_by("-decided_at")[0]
        assert factories_token.model == ""

    @pytest.mark.parametrize(
        ("body", "headers"),
        [
            (b"nothing", {}),
            (b'{"model": "a", "model": "b"}', {}),
            (b'{"messages": []}', {}),
            (b'{"model": "m"}', {"Content-Type": "text/plain"}),
            (b'{"model": "m"}', {"Content-Encoding": "gzip"}),
        ],
    )
    def test_a_body_that_is_not_plain_is_refused_and_journalled(
        self, wide: Running, chatting: Served, talker: Talker, body: bytes, headers: dict[str, str]
    ) -> None:
        before = len(talker.seen())

        response = wide.predict(CHAT, chatting.secret, body, **headers)

        assert (response.status_code, code(response)) == (400, "body_refused")
        assert stored(response).reason == "body_refused"
        assert len(talker.seen()) == before

    def test_a_body_that_is_too_large_to_be_read_whole_is_refused(
        self, wide: Running, chatting: Served
    ) -> None:
        said = chat(wide, chatting, text="x" * 20_000)
        chunked = wide.client.post(
            CHAT,
            content=(b"x" * 1000 for _ in range(25)),
            headers={"Authorization": f"Bearer {chatting.secret}", "Content-Type": "application/json"},
        )

        assert (said.status_code, code(said)) == (413, "too_large")
        assert (chunked.status_code, code(chunked)) == (413, "too_large")

    def test_a_stream_arrives_while_it_is_being_made(self, wide: Running, chatting: Served) -> None:
        body = json.dumps({"model": chatting.slug, "stream": True, "parts": 5, "pause": 0.3}).encode()
        headers = {"Authorization": f"Bearer {chatting.secret}", "Content-Type": "application/json"}
        arrived, text = [], ""

        with wide.client.stream("POST", CHAT, content=body, headers=headers) as response:
            assert response.headers["content-type"] == "text/event-stream"
            for part in response.iter_text():
                arrived.append(time.monotonic())
                text += part

        assert text.count("data: ") == 6
        assert text.endswith("data: [DONE]\n\n")
        assert arrived[-1] - arrived[0] > 1.0
        assert len(arrived) >= 5

    def test_a_caller_who_hangs_up_ends_the_stream_at_its_source(
        self, wide: Running, chatting: Served, talker: Talker
    ) -> None:
        body = json.dumps({"model": chatting.slug, "stream": True, "parts": 100, "pause": 0.1}).encode()
        headers = {"Authorization": f"Bearer {chatting.secret}", "Content-Type": "application/json"}

        with wide.client.stream("POST", CHAT, content=body, headers=headers) as response:
            next(response.iter_bytes())

        deadline = time.monotonic() + 3
        while not talker.last.get("gone"):
            assert time.monotonic() < deadline, talker.last
            time.sleep(0.05)
        assert talker.last["sent"] < 30

    def test_what_the_servers_account_is_told_stays_with_the_gate(
        self, wide: Running, chatting: Served
    ) -> None:
        answered = chat(wide, chatting)

        for name in ("x-ratelimit-remaining", "openai-organization", "www-authenticate"):
            assert name not in answered.headers


class TestCredentials:
    def test_the_secret_is_the_gates_and_not_the_callers(
        self, wide: Running, chatting: Served, talker: Talker
    ) -> None:
        Endpoint.objects.update(credential="llm")

        assert chat(wide, chatting).status_code == 200
        assert talker.last["headers"]["authorization"] == f"Bearer {SECRET}"
        assert chatting.secret not in json.dumps(talker.last)

    def test_it_is_sent_to_no_other_server(self, wide: Running, chatting: Served, scoring: Any) -> None:
        Endpoint.objects.update(credential="llm", url=scoring.url)

        response = chat(wide, chatting)

        assert (response.status_code, code(response)) == (503, "credential_unusable")
        assert scoring.seen == []
        assert int(response.headers["retry-after"]) > 0

    def test_one_that_this_gate_does_not_know_is_told(self, wide: Running, chatting: Served) -> None:
        Endpoint.objects.update(credential="another")

        assert code(chat(wide, chatting)) == "credential_unusable"
        assert '"credential": "another"' in wide.log.read_text()

    @pytest.mark.parametrize("status", [401, 407])
    def test_a_server_that_refuses_it_says_nothing_about_the_callers_token(
        self, wide: Running, chatting: Served, status: int
    ) -> None:
        response = chat(wide, chatting, status=status)

        assert (response.status_code, code(response)) == (502, "credential_refused")
        assert "www-authenticate" not in response.headers

    def test_the_secret_is_in_no_log(self, wide: Running, chatting: Served) -> None:
        Endpoint.objects.update(credential="llm")
        chat(wide, chatting)

        assert SECRET not in wide.log.read_text()


class TestProtocols:
    def test_v2_goes_to_the_version_that_was_approved(
        self, wide: Running, transactional_db: None, scoring: Any
    ) -> None:
        served = serve(f"{scoring.url}/base", protocol="v2", served_name="scorer", version_in_path=True)
        base = f"/v2/models/{served.slug}"
        tensors = b'{"inputs":[]}' + bytes(range(256))
        bearer = {"Authorization": f"Bearer {served.secret}"}

        inferred = wide.predict(
            f"{base}@champion/infer", served.secret, tensors,
            **{"Inference-Header-Content-Length": "13", "Content-Type": "application/octet-stream"},
        )  # fmt: skip
        read = [wide.client.get(path, headers=bearer) for path in (base, f"{base}/versions/champion/ready")]
        head = wide.client.head(base, headers=bearer)

        assert inferred.status_code == 200, inferred.text
        path, headers, body = scoring.seen[0]
        assert (path, body) == ("/base/v2/models/scorer/versions/1/infer", tensors)
        lower = {name.lower(): value for name, value in headers.items()}
        assert lower["inference-header-content-length"] == "13"
        assert [one.status_code for one in read] == [200, 200]
        assert [seen[0] for seen in scoring.seen[1:3]] == [
            "/base/v2/models/scorer/versions/1",
            "/base/v2/models/scorer/versions/1/ready",
        ]
        assert (head.status_code, head.content) == (200, b"")
        assert scoring.asked == ["POST", "GET", "GET", "GET"]

    def test_v1_predicts_and_explaining_is_another_right(
        self, wide: Running, transactional_db: None, scoring: Any
    ) -> None:
        served = serve(scoring.url, protocol="v1")
        base = f"/v1/models/{served.slug}"

        assert wide.predict(f"{base}/labels/champion:predict", served.secret).status_code == 200
        assert wide.predict(f"{base}:classify", served.secret).status_code == 200
        explained = wide.predict(f"{base}:explain", served.secret)

        assert [seen[0] for seen in scoring.seen] == [f"{base}:predict", f"{base}:classify"]
        assert (explained.status_code, code(explained)) == (403, "scope_action")
        assert 'scope="explain"' in explained.headers["www-authenticate"]

    def test_a_server_is_asked_in_its_own_protocol_only(
        self, wide: Running, served: Served, scoring: Any
    ) -> None:
        refused = [
            wide.predict(f"/v2/models/{served.slug}/infer", served.secret),
            wide.predict(f"/v1/models/{served.slug}:predict", served.secret),
            chat(wide, served),
        ]

        assert {(one.status_code, code(one)) for one in refused} == {(404, "protocol_refused")}
        assert stored(refused[0]).version == 1
        assert scoring.seen == []
        assert wide.check(f"/v2/models/{served.slug}/infer", served.secret).status_code == 200

    def test_another_method_is_told_which_are_right_and_the_model_is_kept(
        self, wide: Running, served: Served
    ) -> None:
        bearer = {"Authorization": f"Bearer {served.secret}"}
        gotten = wide.client.get(served.path, headers=bearer)
        put = wide.client.put(f"/v2/models/{served.slug}", headers=bearer)

        assert (gotten.status_code, gotten.headers["allow"], code(gotten)) == (
            405,
            "POST, OPTIONS",
            "method_refused",
        )
        assert put.headers["allow"] == "GET, HEAD, OPTIONS"
        assert (stored(gotten).model, stored(put).model) == (served.slug, served.slug)

    def test_options_says_the_same_of_every_model(self, wide: Running, served: Served) -> None:
        before = Decision.objects.count()
        there, nowhere = (
            wide.client.options(f"/v2/models/{name}/infer", headers={"X-Request-ID": "the-same-one"})
            for name in (served.slug, "no-such-model")
        )

        assert there.status_code == nowhere.status_code == 204
        assert there.headers["allow"] == "POST, OPTIONS"
        assert {**there.headers, "date": ""} == {**nowhere.headers, "date": ""}
        assert wide.client.options("/v2").headers["allow"] == "GET, HEAD, OPTIONS"
        assert b"204" in wide.raw(b"OPTIONS * HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
        assert Decision.objects.count() == before

    def test_the_gate_speaks_for_itself_as_a_v2_server(self, wide: Running) -> None:
        assert wide.client.get("/v2").json()["name"] == "cardinal-gate"
        assert wide.client.get("/v2/health/live").json() == {"live": True}
        assert wide.client.get("/v2/health/ready").json() == {"ready": True}
        assert wide.client.head("/v2/health/ready").status_code == 200
        assert wide.client.post("/v2/health/live").status_code == 405
        assert (
            wide.client.get("/v2", headers={"X-Request-ID": "abcdefgh-7"}).headers["x-request-id"]
            == "abcdefgh-7"
        )


class TestFailures:
    def test_a_server_that_fails_again_and_again_is_left_alone(
        self, wide: Running, transactional_db: None
    ) -> None:
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

    def test_a_prediction_that_may_have_arrived_is_not_sent_twice(
        self, wide: Running, transactional_db: None
    ) -> None:
        port = free_port()
        served = serve(f"http://127.0.0.1:{port}")
        with _listening(port, [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"]) as taken:
            response = wide.predict(served.path, served.secret)

            assert (response.status_code, code(response)) == (502, "upstream_unreachable")
            assert len(taken) == 1

    def test_a_question_that_only_reads_is(self, wide: Running, transactional_db: None) -> None:
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
        self, wide: Running, transactional_db: None
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

    def test_half_an_answer_does_not_pass_for_a_whole_one(
        self, wide: Running, transactional_db: None
    ) -> None:
        port = free_port()
        served = serve(f"http://127.0.0.1:{port}")
        with _listening(port, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]):
            with pytest.raises(httpx.TransportError):
                wide.predict(served.path, served.secret)

    def test_one_slow_server_holds_up_nobody_else(
        self, wide: Running, chatting: Served, talker: Talker, scoring: Any
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
        self, transactional_db: None, scoring: Any, tmp_path: Path
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


class TestMemory:
    SIZE = 104_857_600

    def test_a_large_answer_passes_in_bounded_memory(self, wide: Running, chatting: Served) -> None:
        body = json.dumps({"model": chatting.slug, "size": self.SIZE}).encode()
        headers = {"Authorization": f"Bearer {chatting.secret}", "Content-Type": "application/json"}
        before = _peak(wide)

        with wide.client.stream("POST", CHAT, content=body, headers=headers) as response:
            stream = response.iter_raw(65_536)
            size = len(next(stream))
            time.sleep(1)  # a caller who takes his time must not make the gate gather it all
            size += sum(len(part) for part in stream)

        assert size == self.SIZE
        assert _peak(wide) - before < 32_000

    def test_a_large_body_passes_in_bounded_memory(
        self, wide: Running, transactional_db: None, talker: Talker
    ) -> None:
        served = serve(talker.url)
        before = _peak(wide)

        response = wide.client.post(
            served.path,
            content=(b"x" * 65_536 for _ in range(self.SIZE // 65_536)),
            headers={"Authorization": f"Bearer {served.secret}"},
            timeout=60,
        )

        assert response.json()["received"] == self.SIZE
        assert _peak(wide) - before < 32_000


def _peak(gate: Running) -> int:
    """The most memory that the gate's processes have held, in kB."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if int((status.parent / "stat").read_text().rpartition(")")[2].split()[2]) == gate.process.pid:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
                total += int(lines["VmHWM"].split()[0])
        except (OSError, KeyError):
            continue
    return total


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
