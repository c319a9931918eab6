"""A tracking server that is behind a password, or answers nonsense: what is known stays, and nothing is believed blindly."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from registry import sync
from registry.actions import bulk, servers
from registry.models import Model, TrackingServer, User
from tests.tracking import Tracking

pytestmark = pytest.mark.django_db

Answer = tuple[int, str, bytes]  # status, content type, body
JSON, HTML = "application/json", "text/html"
DENIED = (404, JSON, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model not found"}')


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[http.server.BaseHTTPRequestHandler], Answer]], str]]:
    """A real server of a few lines on this machine; its answers are what the test says."""
    running: list[http.server.ThreadingHTTPServer] = []

    def start(answer: Callable[[http.server.BaseHTTPRequestHandler], Answer]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = answer(self)
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def followed(tracking_server: Tracking, machine: User) -> TrackingServer:
    """The tracking server of the tests, read once: lists only, which is enough here."""
    server = servers.add(name="real", uri=tracking_server.uri, by=machine)
    sync.read(server, by=machine, in_passing=0)
    assert Model.objects.present().count() >= 4
    return server


def elsewhere(server: TrackingServer, uri: str) -> sync.Outcome:
    """The same server, which now answers at another address."""
    servers.move(server=server, uri=uri, by=User.machine())
    return sync.read(server, by=User.machine(), in_passing=0)


def mlflow_with(lists: Answer) -> Callable[[http.server.BaseHTTPRequestHandler], Answer]:
    """Says that it is MLflow, and answers every list with `lists` and every question by name with a denial."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> Answer:
        if request.path == "/version":
            return 200, "text/plain", b"3.17.2"
        return lists if "/search" in request.path else DENIED

    return answer


NONSENSE = {
    "html": (200, HTML, b"<html>Welcome to the proxy</html>"),
    "html 404": (404, HTML, b"<html>Not here</html>"),
    "cut off": (200, JSON, b'{"registered_models": [{"name": "a"'),
    "a list": (200, JSON, b"[1, 2, 3]"),
    "a number for the name": (200, JSON, b'{"registered_models": [{"name": 7}]}'),
    "an object for the time": (
        200,
        JSON,
        b'{"registered_models": [{"name": "a", "creation_timestamp": {}}]}',
    ),
    "text for the list": (200, JSON, b'{"registered_models": "many"}'),
    "nothing": (200, JSON, b""),
    "an error": (500, JSON, b'{"error_code": "INTERNAL_ERROR", "message": "no database"}'),
    "denied": DENIED,
    "no rights": (403, JSON, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'),
}


@pytest.mark.parametrize("lists", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_leaves_what_is_known_and_says_what_is_wrong(
    followed: TrackingServer, serve: Callable[..., str], lists: Answer
) -> None:
    known = set(Model.objects.values_list("name", "gone_at"))

    outcome = elsewhere(followed, serve(mlflow_with(lists)))

    assert set(Model.objects.values_list("name", "gone_at")) == known
    assert outcome.problems == [followed.problem]
    assert "127.0.0.1" in followed.problem or "suddenly missing on real" in followed.problem
    assert followed.problem.endswith(".")
    assert followed.problem_since is not None


def test_a_sudden_emptiness_is_not_believed_until_a_person_says_so(
    followed: TrackingServer, tracking_server: Tracking, serve: Callable[..., str], machine: User
) -> None:
    known = Model.objects.present().count()
    empty = serve(mlflow_with((200, JSON, b"{}")))

    outcome = elsewhere(followed, empty)
    assert Model.objects.present().count() == known
    assert f"{known} of {known} known models are suddenly missing" in outcome.problems[0]
    assert followed.in_doubt == known

    elsewhere(followed, tracking_server.uri)  # the right database is back: nothing to confirm any more
    assert (followed.in_doubt, followed.problem) == (0, "")

    elsewhere(followed, empty)
    servers.believe(server=followed, by=machine)
    assert sync.read(followed, by=machine).problems == []
    assert Model.objects.present().count() == 0
    assert followed.believed_at is None


def test_one_that_is_missing_is_asked_for_by_name_before_it_is_gone(
    followed: TrackingServer, tracking_server: Tracking, serve: Callable[..., str], machine: User
) -> None:
    """A list that leaves one out, as a page that moved while it was read, proves nothing."""

    def forgetful(request: http.server.BaseHTTPRequestHandler) -> Answer:
        status, kind, body = passed_on(request, tracking_server.uri)
        if "/registered-models/search" in request.path:
            listed = json.loads(body)
            listed["registered_models"] = [
                m for m in listed["registered_models"] if m["name"] != "digit-reader"
            ]
            body = json.dumps(listed).encode()
        return status, kind, body

    outcome = elsewhere(followed, serve(forgetful))

    assert outcome.problems == []
    assert Model.objects.get(name="digit-reader").gone_at is None


def test_a_server_behind_basic_auth_is_read_with_its_own_credentials_only(
    tracking_server: Tracking, serve: Callable[..., str], machine: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    wanted = "Basic " + base64.b64encode(b"cardinal:open sesame").decode()

    def guarded(request: http.server.BaseHTTPRequestHandler) -> Answer:
        seen.add(request.headers.get("Authorization", ""))
        if request.headers.get("Authorization") != wanted:
            return 401, HTML, b"You are not authenticated."
        return passed_on(request, tracking_server.uri)

    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "somebody")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "of another server")
    server = servers.add(name="guarded", uri=serve(guarded), by=machine)

    refused = sync.read(server, by=machine, in_passing=0)
    assert "Set its credentials on its page" in refused.problems[0]
    assert seen == {""}  # what the environment holds for another server was not sent here

    servers.set_credentials(server=server, username="cardinal", secret="wrong", by=machine)
    assert sync.read(server, by=machine, in_passing=0).problems
    servers.set_credentials(server=server, username="cardinal", secret="open sesame", by=machine)
    assert sync.read(server, by=machine, in_passing=0).problems == []
    assert Model.objects.filter(server=server).count() >= 4


def test_a_bearer_token_is_sent_as_one(serve: Callable[..., str], machine: User) -> None:
    seen: list[str] = []

    def noting(request: http.server.BaseHTTPRequestHandler) -> Answer:
        seen.append(request.headers.get("Authorization", ""))
        return 401, HTML, b""

    server = servers.add(name="tokened", uri=serve(noting), secret="t0k3n", by=machine)
    sync.read(server, by=machine)

    assert set(seen) == {"Bearer t0k3n"}


def test_a_slow_server_is_given_up_in_time(
    followed: TrackingServer, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(request: http.server.BaseHTTPRequestHandler) -> Answer:
        time.sleep(3)
        return 200, "text/plain", b"3.17.2"

    real = sync.Source
    monkeypatch.setattr(sync, "Source", lambda uri, **rest: real(uri, **rest, timeout_seconds=1))
    began = time.monotonic()

    outcome = elsewhere(followed, serve(slow))

    assert time.monotonic() - began < 2.5
    assert "did not answer within 1 seconds" in outcome.problems[0]


def test_a_first_read_makes_slugs_of_their_own(followed: TrackingServer, machine: User) -> None:
    from datetime import UTC, datetime

    from registry.mlflow.facts import ModelFacts

    told = [(ModelFacts(name, "", datetime(2026, 1, n, tzinfo=UTC), {}, {}), []) for n, name in enumerate(("A b", "a-b", "a_b", "digit-reader"), 1)]  # fmt: skip

    bulk.register_many(server=followed, models=told, by=machine)

    slugs = Model.objects.filter(created_at__lt=datetime(2026, 1, 9, tzinfo=UTC)).order_by("created_at")
    assert list(slugs.values_list("slug", flat=True)) == ["a-b", "a-b-2", "a_b", "digit-reader-2"]


def passed_on(request: http.server.BaseHTTPRequestHandler, uri: str) -> Answer:
    """The real server's answer to the same question."""
    length = int(request.headers.get("Content-Length") or 0)
    body = request.rfile.read(length) if length else None
    asked = urllib.request.Request(uri + request.path, data=body, method=request.command)  # noqa: S310
    asked.add_header("Content-Type", JSON)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(asked, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.headers["Content-Type"], problem.read()


def test_addresses_carry_no_password(machine: User) -> None:
    with pytest.raises(servers.Invalid, match="fields of their own"):
        servers.add(name="x", uri="http://me:secret@127.0.0.1:9", by=machine)
