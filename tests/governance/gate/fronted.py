"""What the tests of every proxy in front of the gate stand on: one started before gate and model server, what its callers
forge, and what holds for each of them alike.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from governance.actions import policies
from tests import factories
from tests.governance.gate.conftest import Running, Served, free_port
from tests.governance.gate.proxies import SAMPLES, Front, Recorder

# What the gate says of an allowed query, where a `Recorder` stands in its place.
SAID = {"X_Cardinal_Model": "m", "X_Cardinal_Version": "1", "X_Cardinal_Decision": "d"}
# What a caller writes who would like to be taken for somebody else, at every proxy.
FORGED = {
    "X-Original-Content-Length": "1",
    "X-Forwarded-For": "192.0.2.1",
    "X-Cardinal-Version": "99",
    "X-HTTP-Method-Override": "DELETE",
    "Cookie": "session=1",
}
UNABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n{headers}\r\n\r\n"


class Starts(Protocol):
    """Starts a proxy by its sample configuration: before the gate at `gate`, with one version behind it at `server`."""

    def __call__(self, folder: Path, gate: int, model: str, version: str, server: int) -> Front: ...


class Turned(NamedTuple):
    """What a caller heard while the gate gave no answer, and what the model server heard meanwhile."""

    way: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    reached: list[bytes]


@contextmanager
def in_front(starts: Starts, folder: Path, gate: int, model: str, server: int) -> Iterator[Front]:
    """A proxy before version 1 of `model`; it ends with the block."""
    folder.mkdir(exist_ok=True)
    running = starts(folder, gate, model, "1", server)
    try:
        yield running
    finally:
        running.end()


@contextmanager
def before(starts: Starts, gate: Running, served: Served, scoring: Any, folder: Path) -> Iterator[Front]:
    """A proxy before this very gate and the model server of `served`."""
    port = urlsplit(scoring.url).port
    assert port
    with in_front(starts, folder, gate.port, served.slug, port) as running:
        yield running


def publish(served: Served, **conditions: Any) -> None:
    """Owners may predict with the model, under these conditions."""
    rule = {"effect": "allow", "subjects": ["group:owner"], "actions": ["predict"]} | conditions
    policies.publish(
        model=served.version.model,
        environment="production",
        content={"schema": "cardinal/policy/2", "rules": [rule]},
        on_top_of=1,
        by=factories.member("owner"),
    )


def without_an_answer(starts: Starts, folder: Path, path: str) -> Iterator[Turned]:
    """What happens to a query for `path` while there is no gate, and while the gate cannot decide."""
    with Recorder(UNABLE, X_A="b") as unable:
        for way, port in {"away": free_port(), "unable": unable.port}.items():
            with Recorder(X_A="b") as model, in_front(starts, folder / way, port, "m", model.port) as front:
                status, headers, body = front.post(path, "x")
            yield Turned(way, status, headers, body, model.heard)


def shown_on_its_page(proxy: str, language: str, *files: str) -> bool:
    """Whether the page of the documentation shows these files word for word."""
    page = (SAMPLES / f"{proxy}.md").read_text()
    return all(f"```{language}\n{(SAMPLES / proxy / name).read_text()}```" in page for name in files)
