"""OpenAI style: the body names the model, and what is said arrives while it is being said."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from governance.models import Decision
from registry.models import Endpoint
from tests import factories
from tests.governance.gate.behind.conftest import CHAT, SECRET, Talker, chat
from tests.governance.gate.conftest import Running, Served, code, stored

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_model_stands_in_the_body_and_goes_on_by_the_servers_name(
    wide: Running, chatting: Served, talker: Talker
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


def test_the_body_may_name_an_alias_or_a_number(wide: Running, chatting: Served) -> None:
    assert chat(wide, chatting, f"{chatting.slug}@champion").status_code == 200
    assert chat(wide, chatting, f"{chatting.slug}/versions/1").status_code == 200
    assert code(chat(wide, chatting, f"{chatting.slug}@nobody")) == "version_unknown"
    assert code(chat(wide, chatting, f"{chatting.slug}/versions/2")) == "version_unknown"


def test_an_unknown_model_looks_like_a_forbidden_one(wide: Running, chatting: Served) -> None:
    forbidden = factories.model(name="a-secret-project")
    answers = [chat(wide, chatting, name) for name in (forbidden.slug, "no-such-project")]

    assert [code(one) for one in answers] == ["scope_model"] * 2
    assert [stored(one).reason for one in answers] == ["scope_model", "model_unknown"]
    assert len({len(one.content) for one in answers}) == 1


def test_whoever_has_no_token_is_refused_before_a_byte_of_the_body(wide: Running, chatting: Served) -> None:
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
    wide: Running, chatting: Served, talker: Talker, body: bytes, headers: dict[str, str]
) -> None:
    before = len(talker.seen())

    response = wide.predict(CHAT, chatting.secret, body, **headers)

    assert (response.status_code, code(response)) == (400, "body_refused")
    assert stored(response).reason == "body_refused"
    assert len(talker.seen()) == before


def test_a_body_that_is_too_large_to_be_read_whole_is_refused(wide: Running, chatting: Served) -> None:
    said = chat(wide, chatting, text="x" * 20_000)
    chunked = wide.client.post(
        CHAT,
        content=(b"x" * 1000 for _ in range(25)),
        headers={"Authorization": f"Bearer {chatting.secret}", "Content-Type": "application/json"},
    )

    assert (said.status_code, code(said)) == (413, "too_large")
    assert (chunked.status_code, code(chunked)) == (413, "too_large")


def test_a_stream_arrives_while_it_is_being_made(wide: Running, chatting: Served) -> None:
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
    wide: Running, chatting: Served, talker: Talker
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


def test_what_the_servers_account_is_told_stays_with_the_gate(wide: Running, chatting: Served) -> None:
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
