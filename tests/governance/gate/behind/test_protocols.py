"""Each protocol reaches its server, and no other; what every protocol has in common is answered in the same way."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from governance.models import Decision
from registry.actions import catalogue
from tests import factories
from tests.governance.gate.behind.conftest import CHAT, Talker, chat
from tests.governance.gate.conftest import Running, Served, code, serve, stored

pytestmark = pytest.mark.django_db(transaction=True)


def test_v2_goes_to_the_version_that_was_approved(
    wide: Running, transactional_db: None, scoring: Any
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
    wide: Running, transactional_db: None, scoring: Any
) -> None:
    served = serve(scoring.url, protocol="v1")
    base = f"/v1/models/{served.slug}"

    assert wide.predict(f"{base}/labels/champion:predict", served.secret).status_code == 200
    assert wide.predict(f"{base}:classify", served.secret).status_code == 200
    explained = wide.predict(f"{base}:explain", served.secret)

    assert [seen[0] for seen in scoring.seen] == [f"{base}:predict", f"{base}:classify"]
    assert (explained.status_code, code(explained)) == (403, "scope_action")
    assert 'scope="explain"' in explained.headers["www-authenticate"]


def test_a_server_is_asked_in_its_own_protocol_only(wide: Running, served: Served, scoring: Any) -> None:
    assert wide.predict(served.path, served.secret).status_code == 200
    refused = [
        wide.predict(f"/v2/models/{served.slug}/infer", served.secret),
        wide.predict(f"/v1/models/{served.slug}:predict", served.secret),
        chat(wide, served),
    ]

    assert {(one.status_code, code(one)) for one in refused} == {(404, "protocol_refused")}
    assert stored(refused[0]).version == 1
    assert wide.predict(served.path, served.secret).status_code == 200
    assert [seen[0] for seen in scoring.seen] == ["/invocations"] * 2
    assert wide.check(f"/v2/models/{served.slug}/infer", served.secret).status_code == 200


def test_whether_a_version_was_named_is_told_however_it_was_asked_before(
    wide: Running, served: Served
) -> None:
    catalogue.move_aliases(model=served.version.model, aliases={}, by=factories.member("admin"))

    for _ in range(2):
        assert code(wide.predict(served.path, served.secret)) == "version_not_named"
        named = f"/models/{served.slug}@champion/invocations"
        assert code(wide.predict(named, served.secret)) == "version_unknown"


def test_another_method_is_told_which_are_right_and_the_model_is_kept(wide: Running, served: Served) -> None:
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


def test_options_says_the_same_of_every_model(wide: Running, served: Served) -> None:
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


def test_the_gate_speaks_for_itself_as_a_v2_server(wide: Running) -> None:
    assert wide.client.get("/v2").json()["name"] == "cardinal-gate"
    assert wide.client.get("/v2/health/live").json() == {"live": True}
    assert wide.client.get("/v2/health/ready").json() == {"ready": True}
    assert wide.client.head("/v2/health/ready").status_code == 200
    assert wide.client.post("/v2/health/live").status_code == 405
    assert (
        wide.client.get("/v2", headers={"X-Request-ID": "abcdefgh-7"}).headers["x-request-id"] == "abcdefgh-7"
    )


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
