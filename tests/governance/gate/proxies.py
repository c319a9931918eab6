"""Proxies in front of the gate as their users run them: the sample configurations of the documentation, with other ports."""

from __future__ import annotations

import http.client
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tests.governance.gate.conftest import ROOT, free_port

SAMPLES = ROOT / "docs" / "howto"
CALLER = "127.0.0.5"  # from where callers come; the proxies ask from 127.0.0.1


@dataclass
class Front:
    """A proxy that runs. `log` is what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    def post(
        self, path: str, token: str = "", body: bytes = b"{}", method: str = "POST", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """What a caller at `CALLER` hears. The path goes out as it is, without a look at it."""
        given = {"Content-Type": "application/json"} | headers
        if token:
            given["Authorization"] = f"Bearer {token}"
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15, source_address=(CALLER, 0))
        try:
            line._validate_path = lambda _: None  # type: ignore[attr-defined] - it is for the proxy to refuse
            line.request(method, path, body, given)
            answer = line.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            line.close()

    def raw(self, request: bytes, patience: float = 3.0) -> bytes:
        """The answer to these very bytes, up to where the proxy has no more to say."""
        answer = b""
        with socket.create_connection(
            ("127.0.0.1", self.port), timeout=10, source_address=(CALLER, 0)
        ) as wire:
            wire.settimeout(patience)
            try:
                wire.sendall(request)
                while chunk := wire.recv(65536):
                    answer += chunk
            except (TimeoutError, ConnectionError):
                pass
        return answer

    def end(self) -> None:
        """Ends it, politely and then not."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


def program(name: str) -> str:
    """Where this proxy's program is. The test is skipped where it cannot be installed."""
    places = [Path(sys.executable).parent / name, ROOT / ".venv" / name / name]
    found = next((str(place) for place in places if place.exists()), shutil.which(name))
    if not found:
        pytest.skip(
            f"{name} is not installed here: script/bootstrap --with-tests installs it where it can be had."
        )
    return found


def sample(name: str, changes: dict[str, str]) -> str:
    """A sample configuration of the documentation in which each of these texts stands, and is replaced."""
    text = (SAMPLES / name).read_text()
    for old, new in changes.items():
        assert old in text, f"{name} holds no {old!r}"
        text = text.replace(old, new)
    return text


def start(command: list[str], port: int, log: Path) -> Front:
    """Starts a proxy and waits until it listens."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent)
    front = Front(process, port, log)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return front
    front.end()
    raise AssertionError(f"{command[0]} did not start: {log.read_text()[-2000:]}")


NGINX = """daemon off;
pid {folder}/pid;
error_log stderr info;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {rest}
}}
"""


def nginx(folder: Path, gate: int, servers: dict[str, str]) -> Front:
    """nginx by the sample configuration. `servers`: the address of each `model/version`."""
    port = free_port()
    text = sample(
        "nginx/cardinal.conf",
        {"127.0.0.1:8001": f"127.0.0.1:{gate}", "listen 80;": f"listen 127.0.0.1:{port};"},
    )
    rows = "".join(f"    {name} {address};\n" for name, address in servers.items())
    text, found = re.subn(r"    credit-scorer/1 [\d.:]+;\n    credit-scorer/2 [\d.:]+;\n", rows, text)
    assert found == 1
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, rest=text))
    command = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    return start(command, port, folder / "nginx.log")


# What nothing in front of the gate may turn into the path of the query; `{path}` is one that is allowed. None of these is
# written plainly, so none may reach a model server.
CONFUSING = [
    "//models/{slug}/invocations",
    "/models//{slug}/invocations",
    "/models/{slug}//invocations",
    "/models/{slug}/invocations/",
    "/models/{slug}/./invocations",
    "/models/./{slug}/invocations",
    "/models/other/../{slug}/invocations",
    "/models/other/%2e%2e/{slug}/invocations",
    "/models/other/%2E%2e/{slug}/invocations",
    "/models/other%2f..%2f{slug}/invocations",
    "/models/other/..%2f{slug}/invocations",
    "/models/other/..%252f{slug}/invocations",
    "/models/other/..;/{slug}/invocations",
    "/models/other/..\\{slug}/invocations",
    "/models/{slug}%2finvocations",
    "/models/{slug}/invocations%20",
    "/models/{slug}/invocations%00",
    "/models/{slug}/invocations%00/x",
    "/models/{slug}/invocations%0a",
    "/models/{slug}/invocations%0d%0aX-Original-URI:%20/models/other/invocations",
    "/models/{slug}/invocations%3f",
    "/models/{slug}/invocations%23",
    "/models/{slug}/invocations;a=b",
    "/models/{slug};a=b/invocations",
    "/models/{slug}./invocations",
    "/models/{slug}/invocations.",
    "/models/{slug}/invocations?a=b",
    "/%6dodels/{slug}/invocations",
    "/models/%2e/{slug}/invocations",
    "/models/{slug}/%69nvocations",
    "/models/{slug}/%2569nvocations",
    "/Models/{slug}/invocations",
    "/models/{slug}/INVOCATIONS",
    "/models/{upper}/invocations",
    "/models/{slug}@/invocations",
    "/models/{slug}%40champion/invocations",
    "/models/{slug}/versions/01/invocations",
    "/models/{slug}/versions/%31/invocations",
    "/models/{slug}/versions/1/../2/invocations",
    "/models/{slug}\u2215invocations",
    "/models/{slug}\uff0finvocations",
    "/models/\u0441redit/invocations",
    "/models/{slug}/invocations/../../other/invocations",
    "/check/models/{slug}/invocations",
    "/_cardinal",
    "/check",
]


def confusing(slug: str) -> list[str]:
    """The paths above for this model, as the bytes that go out, read as Latin-1."""
    filled = [path.replace("{slug}", slug).replace("{upper}", slug.upper()) for path in CONFUSING]
    return [path.encode().decode("latin-1") for path in filled]


class Recorder:
    """Stands where the gate would and keeps the very bytes that a proxy sends there. Allows everything."""

    def __init__(
        self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{headers}\r\n\r\n", **headers: str
    ) -> None:
        lines = "\r\n".join(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())
        self.answer = answer.replace(b"{headers}", lines.encode())
        self.heard: list[bytes] = []
        self.connections = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        wire.settimeout(20)
        waiting = b""
        with wire, suppress(OSError):
            while chunk := wire.recv(65536):
                waiting += chunk
                if b"\r\n\r\n" in waiting:
                    wire.settimeout(0.2)  # a body would follow at once
                    with suppress(TimeoutError):
                        waiting += wire.recv(65536)
                    wire.settimeout(20)
                    self.heard.append(waiting)
                    waiting = b""
                    wire.sendall(self.answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def lines(self, number: int = -1) -> list[str]:
        """Request line and headers that came, in small letters where they are names."""
        head = self.heard[number].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        return [
            head[0],
            *sorted(
                f"{name.lower()}:{value}" for name, _, value in (line.partition(":") for line in head[1:])
            ),
        ]


def envoy(folder: Path, gate: int, model: str, version: str, server: int) -> Front:
    """Envoy by the sample configuration, with one version behind it."""
    port = free_port()
    text = sample(
        "envoy/cardinal.yaml",
        {
            "address: 0.0.0.0, port_value: 8080": f"address: 127.0.0.1, port_value: {port}",
            "port_value: 8001": f"port_value: {gate}",
            "port_value: 9001": f"port_value: {server}",
            "exact: credit-scorer}": f"exact: {model}}}",
            'exact: "1"': f'exact: "{version}"',
        },
    )
    settings = folder / "envoy.yaml"
    settings.write_text(text)
    found = importlib.util.find_spec(
        "envoy._bin"
    )  # the program itself; the command of the package only calls it
    places = found.submodule_search_locations if found else None
    command = str(Path(places[0]) / "envoy") if places else program("envoy")
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"]
    return start([command, "-c", str(settings), *options], port, folder / "envoy.log")


def traefik(folder: Path, gate: int, model: str, version: str, server: int) -> Front:
    """Traefik by the sample configuration, with one version behind it."""
    port = free_port()
    (folder / "traefik.yaml").write_text(
        sample(
            "traefik/traefik.yaml",
            {
                'address: ":8080"': f'address: "127.0.0.1:{port}"',
                "cardinal.yaml": str(folder / "cardinal.yaml"),
            },
        )
    )
    (folder / "cardinal.yaml").write_text(
        sample(
            "traefik/cardinal.yaml",
            {
                "127.0.0.1:8001": f"127.0.0.1:{gate}",
                "127.0.0.1:9001": f"127.0.0.1:{server}",
                "/models/credit-scorer/versions/1/": f"/models/{model}/versions/{version}/",
            },
        )
    )
    front = start(
        [program("traefik"), f"--configFile={folder / 'traefik.yaml'}"], port, folder / "traefik.log"
    )
    deadline = time.monotonic() + 30
    while front.post(f"/models/{model}/versions/{version}/invocations")[0] == http.HTTPStatus.NOT_FOUND:
        assert time.monotonic() < deadline, "Traefik does not read its routes."
        time.sleep(0.1)  # it listens before it has read them
    return front
