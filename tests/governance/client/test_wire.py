"""Servers that fail, lie, stall or want too much: what the client makes of each, and that a token goes nowhere else."""

from __future__ import annotations

import gzip
import io
import logging
import pickle
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from governance.client import Portal, errors, wire
from governance.client.configuration import Configuration, checked_url, found, is_token
from governance.client.errors import Declined, Failed, Misconfigured, TooMany, Unexpected, Unreachable
from governance.client.problems import problem
from tests.governance.client.conftest import TOKEN, Scripted, Terminal

Start = Callable[..., Scripted]
Open = Callable[..., Terminal]
At = Callable[..., Portal]
ME = {"username": "owner", "kind": "person", "roles": ["owner"], "token": None}
ROW = {"name": "tracking", "uri": "http://x", "synced_at": None, "stale": False, "paused_at": None, "problem": "",
       "problem_since": None, "in_doubt": 0, "unread": 0}  # fmt: skip
SYNC = {"id": "1", "server": "tracking", "state": "done", "ordered_by": "owner", "ordered_at": "2026-11-23T12:00:00Z",
        "ended_at": None, "models_added": 0, "versions_added": 0, "problems": []}  # fmt: skip
BUSY = {"title": "Too Many Requests", "status": 429, "detail": "Wait.", "request_id": "7f0c9b6e"}


@pytest.fixture
def at() -> Iterator[At]:
    """`at(server)` is a portal there, closed in the end."""
    opened = []

    def there(server: Scripted, **more: Any) -> Portal:
        opened.append(Portal.at(server.url, TOKEN, **{"retries": 3, "timeout": 5.0} | more))
        return opened[-1]

    yield there
    for portal in opened:
        portal.close()


def stall(handler: BaseHTTPRequestHandler) -> None:
    """Says nothing for longer than the client listens."""
    time.sleep(1.5)
    handler.close_connection = True


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Half an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_read_is_asked_again_after_a_failure(at: At, status: int, scripted: Start) -> None:
    server = scripted((status, {"Retry-After": "0"}, BUSY), (200, {}, ME))

    assert at(server).me().username == "owner"
    assert len(server.seen) == 2


def test_retry_after_is_honoured(at: At, scripted: Start) -> None:
    server = scripted((429, {"Retry-After": "1"}, BUSY), (200, {}, ME))
    began = time.monotonic()

    at(server).me()

    assert time.monotonic() - began >= 1


def test_a_wait_that_is_too_long_is_not_waited_and_not_shortened(at: At, scripted: Start) -> None:
    server = scripted((429, {"Retry-After": "86400"}, BUSY))
    began = time.monotonic()

    with pytest.raises(TooMany) as raised:
        at(server).me()

    assert time.monotonic() - began < 2
    assert (raised.value.retry_after, len(server.seen)) == (86400, 1)


def test_what_keeps_failing_is_given_up(at: At, scripted: Start) -> None:
    server = scripted((503, {}, b"down"))

    with pytest.raises(Failed) as raised:
        at(server, retries=2).me()

    assert len(server.seen) == 3
    assert raised.value.status == 503


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 418])
def test_what_was_answered_is_not_asked_again(at: At, status: int, scripted: Start) -> None:
    server = scripted((status, {"Content-Type": "application/problem+json"}, BUSY | {"status": status}))

    with pytest.raises(Declined) as raised:
        at(server).me()

    assert len(server.seen) == 1
    assert type(raised.value) is errors.of_status(status)
    assert raised.value.request_id == "7f0c9b6e"


def test_a_write_is_repeated_with_the_same_key_and_two_writes_have_two(at: At, scripted: Start) -> None:
    server = scripted((500, {}, b""), stall, (202, {}, SYNC))
    portal = at(server, timeout=0.5)

    portal.servers.sync("tracking")
    portal.servers.sync("tracking")

    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.seen]
    assert len(keys) == 4
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_a_write_whose_first_try_still_runs_waits_for_its_answer(at: At, scripted: Start) -> None:
    server = scripted((409, {"Retry-After": "1"}, BUSY | {"status": 409}), (202, {}, SYNC))

    assert at(server).servers.sync("tracking").state == "done"
    assert len({headers["Idempotency-Key"] for _, _, headers, _ in server.seen}) == 1


def test_a_question_that_holds_a_secret_is_asked_once(at: At, scripted: Start) -> None:
    server = scripted((503, {}, b""))

    with pytest.raises(Failed):
        at(server).tokens.introspect(TOKEN)

    assert len(server.seen) == 1


def test_a_list_is_fetched_page_after_page_and_from_this_portal_only(at: At, scripted: Start) -> None:
    pages = [{"next": f"https://elsewhere.example.org/api/v1/servers/?after=c{n}", "previous": None,
              "results": [ROW | {"name": f"s{n}"}]} for n in range(3)]  # fmt: skip
    server = scripted(*[(200, {}, page) for page in pages], (200, {}, pages[0] | {"next": None}))
    portal = at(server)

    rows = portal.servers.list()
    assert next(rows).name == "s0"
    assert len(server.seen) == 1  # a page is fetched when it is needed
    assert [one.name for one in rows] == ["s1", "s2", "s0"]
    assert [path.partition("after=")[2] for _, path, _, _ in server.seen] == ["", "c0", "c1", "c2"]


def test_a_list_is_cut_at_its_limit(at: At, scripted: Start) -> None:
    server = scripted((200, {}, {"next": "?after=a", "previous": None, "results": [ROW] * 5}))

    assert len(list(at(server).servers.list(limit=3))) == 3
    assert len(server.seen) == 1
    assert "size=3" in server.seen[0][1]


def test_a_list_without_an_end_is_noticed(at: At, scripted: Start) -> None:
    server = scripted((200, {}, {"next": "?after=a", "previous": None, "results": [ROW]}))

    with pytest.raises(Unexpected, match="the same page comes twice"):
        list(at(server).servers.list())


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example.org/api/v1/me/", "/api/v1/me/?x", "//elsewhere/"]
)
def test_a_redirect_is_not_followed(at: At, place: str, scripted: Start) -> None:
    server = scripted((307, {"Location": place}, b""))

    with pytest.raises(Unexpected, match="redirect"):
        at(server).me()

    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "body",
    [b"<html>Sign in</html>", b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 200_000, b'{"username": 1}',
     b'{"username": "a", "kind": "person", "roles": "owner", "token": null}',
     b'{"username": "a", "kind": "person", "roles": [], "token": {"id": "x"}}'],
)  # fmt: skip
def test_what_no_portal_answers_is_unexpected(at: At, body: bytes, scripted: Start) -> None:
    with pytest.raises(Unexpected):
        at(scripted((200, {}, body))).me()


def test_an_answer_without_end_is_not_read_to_its_end(
    at: At, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "LARGEST_ANSWER", 100_000)
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000

    for headers, body in (({}, b"x" * 200_000), ({"Content-Encoding": "gzip"}, bomb)):
        with pytest.raises(Unexpected, match="more than"):
            at(scripted((200, headers, body))).me()


def test_an_answer_that_drips_ends_in_time(at: At, scripted: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" " * 10)
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass
        handler.close_connection = True

    monkeypatch.setattr(wire, "LONGEST", 0.5)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="did not end within"):
        at(scripted(drip)).me()
    assert time.monotonic() - began < 3


def test_silence_and_half_an_answer_are_no_answer(at: At, scripted: Start) -> None:
    with pytest.raises(Unreachable, match="did not answer in time"):
        at(scripted(stall), timeout=0.3, retries=1).me()
    with pytest.raises(Unreachable):
        at(scripted(hang_up)).me()


def test_a_problem_is_read_whole_and_one_of_a_proxy_as_far_as_it_goes(at: At, scripted: Start) -> None:
    told = {
        "title": "This is not allowed.", "status": 403, "detail": "d", "request_id": "abc",
        "reasons": [{"code": "role_missing", "sentence": "Your role does not allow this.", "remedy": "Ask."}, 7],
        "errors": {"rules": {"0": {"subjects": ["There is no group named x."]}}},
    }  # fmt: skip
    with pytest.raises(errors.Refused) as whole:
        at(scripted((403, {"Content-Type": "application/problem+json"}, told))).me()
    with pytest.raises(errors.Refused) as bare:
        at(scripted((403, {"Content-Type": "text/html", "X-Request-ID": "xyz"}, b"<h1>Forbidden</h1>"))).me()

    assert whole.value.codes == ("role_missing",)
    assert whole.value.fields == {"rules.0.subjects": ("There is no group named x.",)}
    assert (
        str(whole.value) == "Your role does not allow this. Ask. rules.0.subjects: There is no group named x."
    )
    assert (bare.value.request_id, str(bare.value)) == ("xyz", "Forbidden")


@pytest.mark.parametrize(
    "body", [{"reasons": {"a": 1}, "errors": [1]}, {"reasons": None, "errors": {"a": None}}, [1]]
)
def test_a_problem_that_is_none_is_still_told(at: At, body: Any, scripted: Start) -> None:
    with pytest.raises(errors.Refused):
        at(scripted((403, {}, body))).me()


def test_the_token_stands_in_no_text_of_ours(
    at: At, scripted: Start, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    portal = at(scripted((200, {}, ME)))
    portal.me()
    told = [
        repr(portal),
        repr(portal.wire),
        repr(portal.wire.configuration),
        repr(portal.models),
        repr(vars(portal.wire)),
    ]
    for broken in (at(scripted((401, {}, BUSY))), at(scripted(hang_up)), at(scripted((200, {}, b"x")))):
        with pytest.raises(errors.CardinalError) as raised:
            broken.me()
        told += [str(raised.value), repr(raised.value), str(raised.getrepr(showlocals=False, chain=True))]
    caught = capfd.readouterr()

    assert TOKEN not in "".join([*told, caplog.text, caught.out, caught.err])
    assert caplog.records


def test_the_token_goes_in_one_header_of_each_request(at: At, scripted: Start) -> None:
    server = scripted((200, {}, ME))

    at(server).me()

    ((method, path, headers, body),) = server.seen
    assert (method, path, body) == ("GET", "/api/v1/me/", b"")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert headers["User-Agent"].startswith("cardinal/0.1.0 Python/")
    assert TOKEN not in path


def test_a_proxy_of_the_environment_never_hears_what_is_for_this_machine(
    at: At, scripted: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, server = scripted((502, {}, b"")), scripted((200, {}, ME))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)

    at(server).me()

    assert not proxy.seen


@pytest.mark.parametrize(
    "url",
    ["", "cardinal", "http://cardinal.example.org", "http://10.0.0.1", "https://", "https://u:p@host", "https://h?a=1",
     "https://h:99999", "file:///etc/passwd", "https://[::1"],
)  # fmt: skip
def test_an_address_that_a_token_must_not_go_to_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        checked_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/", "http://localhost", "http://[::1]:1", "https://a.example/x"]
)
def test_an_address_is_taken(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


def test_a_token_with_a_typing_error_is_told_before_anybody_is_asked() -> None:
    wrong = TOKEN[:20] + ("a" if TOKEN[20] != "a" else "b") + TOKEN[21:]

    assert is_token(TOKEN)
    assert not is_token(wrong)
    with pytest.raises(Misconfigured) as raised:
        Configuration("https://a.example", wrong)
    assert wrong not in str(raised.value)


def test_what_is_given_wins_over_the_environment_and_that_over_what_is_stored(tmp_path: Any) -> None:
    place = tmp_path / "cardinal" / "login.json"
    place.parent.mkdir()
    place.write_text(f'{{"url": "https://stored.example", "token": "{TOKEN}"}}')
    place.chmod(0o600)
    kept = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert found(environ=kept).url == "https://stored.example"
    with pytest.raises(Misconfigured, match="Who asks"):  # a stored token is for its portal
        found(environ=kept | {"CARDINAL_URL": "https://other.example"})
    both = kept | {"CARDINAL_URL": "https://other.example", "CARDINAL_TOKEN": TOKEN}
    assert found(environ=both).url == "https://other.example"
    assert found(environ=both, url="https://given.example").url == "https://given.example"


def test_429_and_500_end_the_command_with_3(scripted: Start, terminal: Open) -> None:
    again = terminal(scripted((500, {}, b""), (429, {"Retry-After": "0"}, BUSY), (200, {}, ME)).url, TOKEN)(
        "whoami"
    )
    busy = terminal(scripted((429, {"Retry-After": "7200", "X-Request-ID": "7f0c9b6e"}, BUSY)).url, TOKEN)(
        "whoami", "--json"
    )
    down = terminal(scripted((500, {}, b"")).url, TOKEN)("whoami", "--retries", "0", "--json")
    strange = terminal(scripted((200, {}, b"<html>")).url, TOKEN)("whoami", "--json")

    assert (again.code, busy.code, down.code, strange.code) == (0, 3, 3, 3)
    kinds = [one.json["error"]["kind"] for one in (busy, down, strange)]
    assert kinds == ["TooMany", "Failed", "Unexpected"]
    assert "(request 7f0c9b6e)" in busy.err


def test_a_secret_that_was_lost_on_the_way_is_told_with_what_to_do(scripted: Start, terminal: Open) -> None:
    lost = (409, {"Location": "/api/v1/tokens/5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11/"}, BUSY | {"status": 409})

    ended = terminal(scripted(lost).url, TOKEN)("token", "rotate", "5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11")

    assert ended.code == 1
    assert "cardinal token revoke 5f0c7d5e-0b7e-4a0b-9d52-3b8f0f6a9c11" in ended.err


def test_a_file_goes_where_it_shall(at: At, scripted: Start) -> None:
    into = io.BytesIO()

    digest = at(
        scripted((200, {"Content-Type": "application/pdf", "ETag": '"abc"'}, b"%PDF"))
    ).reports.download("1", into)

    assert (digest, into.getvalue()) == ("abc", b"%PDF")


def test_problems_survive_being_sent_between_processes() -> None:
    """Notebooks run in pools; an error that cannot be pickled hides what went wrong."""
    import httpx

    made = problem(httpx.Response(403, json=BUSY, headers={"Content-Type": "application/json"}), b"{}")

    assert str(pickle.loads(pickle.dumps(made))) == str(made)  # noqa: S301 - our own
