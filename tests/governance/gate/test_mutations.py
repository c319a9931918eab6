"""A valid question that is changed a little is either the same question or refused: never an allow, never a mistake of ours."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.gate import fronts
from governance.gate.request import read
from governance.models import Decision
from tests.governance.gate.conftest import Running, Served
from tests.governance.gate.test_fronts import NGINX, PROXY, TRAEFIK, TRUSTED
from tests.governance.gate.test_request import GOOD, TOKEN

BYTES = st.one_of(
    st.sampled_from([bytes([n]) for n in b"/.%;?#\\@ \t\r\n\x00\x7f:,_-Aa0"]),
    st.sampled_from([b"%2e%2e/", b"%2f", b"%00", b"%25", b"..", b"//", b"\r\n", b"\r\n ", b"\xd0\xb0", b"\r\nX-Original-URI: /"]),
    st.binary(min_size=1, max_size=3),
)  # fmt: skip
# Where, in thousandths of the whole, so that a change does not depend on how long the names of a test are.
CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "replace", "delete", "double", "swap"]), st.integers(0, 999), BYTES),
    min_size=1,
    max_size=3,
)
Changes = list[tuple[str, int, bytes]]


def changed(whole: bytes, changes: Changes) -> bytes:
    for way, where, new in changes:
        edges = [
            found.start() for found in re.finditer(rb"[ \r/:]|\Z", whole)
        ]  # where words end, things go wrong
        place = edges[where * len(edges) // 1000] if where % 2 else where * len(whole) // 1000
        lines = whole.split(b"\r\n")
        line = where * len(lines) // 1000
        if way == "insert":
            whole = whole[:place] + new + whole[place:]
        elif way == "replace":
            whole = whole[:place] + new + whole[place + len(new) :]
        elif way == "delete":
            whole = whole[:place] + whole[place + 1 :]
        elif way == "double":
            whole = b"\r\n".join([*lines[: line + 1], lines[line], *lines[line + 1 :]])
        else:
            lines[line], lines[-3] = lines[-3], lines[line]
            whole = b"\r\n".join(lines)
    return whole


def is_the_question(request: bytes, path: bytes, token: bytes) -> bool:
    """Whether the request still says all that it said, each once, and nothing that contradicts it: read without the gate."""
    head = re.split(rb"\r?\n\r?\n", request.lstrip(b"\r\n"), maxsplit=1)[0]
    first, *lines = re.split(rb"\r?\n", head)
    said: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, _, value = line.partition(b":")
        said.setdefault(name.lower(), []).append(value.strip(b" \t"))
    credential = said.get(b"authorization", [])
    method, _, rest = first.partition(b" ")
    return (
        re.fullmatch(rb"[!-~]+", method) is not None  # that of the request to /check says nothing
        and re.fullmatch(rb"/check(?:[?#][^ ]*)? HTTP/1\.[01]", rest) is not None
        and said.get(b"x-original-uri") == [path]
        and said.get(b"x-original-method") == [b"POST"]
        and len(credential) == 1
        and re.fullmatch(rb"(?i:bearer) " + re.escape(token), credential[0]) is not None
        and not set(said) & {*fronts.TRICKS, b"x-forwarded-uri", b"x-forwarded-method", b"upgrade"}
    )


def exchange(port: int, request: bytes) -> bytes:
    """The head of the answer, or what there was of it after half a second."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(request)
        wire.settimeout(0.5)
        try:
            while b"\r\n\r\n" not in answer and (chunk := wire.recv(65536)):
                answer += chunk
        except (TimeoutError, ConnectionError):
            pass
    return answer


@pytest.mark.django_db(transaction=True)
def test_a_changed_question_is_the_same_or_refused(gate: Running, served: Served) -> None:
    path, token = served.path.encode(), served.secret.encode()
    valid = (
        b"GET /check HTTP/1.1\r\nHost: gate\r\nX-Original-URI: " + path + b"\r\nX-Original-Method: POST\r\n"
        b"Authorization: Bearer " + token + b"\r\nConnection: close\r\n\r\n"
    )
    assert is_the_question(valid, path, token)
    assert exchange(gate.port, valid).startswith(b"HTTP/1.1 200")

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(CHANGES)
    def holds(changes: Changes) -> None:
        request = changed(valid, changes)
        answer = exchange(gate.port, request)
        assert re.match(rb"\Z|HTTP/1\.[01] (200|4\d\d) ", answer), (request, answer[:100])
        if answer.split(b" ")[1:2] == [b"200"]:
            assert is_the_question(request, path, token), request

    holds()
    assert exchange(gate.port, valid).startswith(b"HTTP/1.1 200")
    assert "gate.failed" not in gate.log.read_text()
    assert set(Decision.objects.filter(allowed=True).values_list("model", flat=True)) == {served.slug}


OTHERS = b"authorization content-length transfer-encoding connection upgrade host x-forwarded-for cardinal-purpose".split()
NAMES = st.sampled_from(
    [*fronts.HEADERS, *fronts.OVERRIDES, *OTHERS, b"x-request-id", b"x_original_uri", b"x-other"]
)
VALUES = st.one_of(
    st.sampled_from(
        [GOOD, b"POST", b"GET", b"1", b"chunked", b"close", b"192.0.2.1", b"", f"Bearer {TOKEN}".encode()]
    ),
    st.binary(max_size=20),
)


@given(
    st.sampled_from([(b"/check", NGINX), (b"/check", TRAEFIK), (b"/check" + GOOD, []), (GOOD, [])]),
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.sampled_from(["POST", "GET", "post", ""]),
    CHANGES | st.just([]),
)
@settings(max_examples=400, deadline=None)
def test_whatever_comes_gives_a_query_and_only_the_plain_path_names_a_model(
    way: tuple[bytes, list[tuple[bytes, bytes]]],
    more: list[tuple[bytes, bytes]],
    method: str,
    changes: Changes,
) -> None:
    path, said = way
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "raw_path": changed(path, [one for one in changes if one[0] not in ("double", "swap")]),
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {TOKEN}".encode()), *said, *more],
        "client": PROXY,
    }

    query = read(scope, 1000, TRUSTED)

    if not query.refusal:
        asked = GOOD if said else scope["raw_path"].removeprefix(b"/check")
        version = f"/versions/{query.number}" if query.number else f"@{query.alias}" if query.named else ""
        assert asked == f"/models/{query.model}{version}/invocations".encode()
        assert query.method == "POST"
        assert query.token == TOKEN
        assert not set(fronts.TRICKS) & {name for name, _ in more}
