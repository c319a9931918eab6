"""One caller on one connection, byte for byte: what no client library would send can be asked too."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True)
class Ask:
    """A question, of which each part can be bent. `header` are those that come on top."""

    secret: str
    model: str
    where: str = ""  # /versions/2, or @alias
    method: str = "POST"
    scheme: str = "Bearer"
    path: str = "/models/{model}{where}/invocations"
    query: str = ""
    length: str = "2"
    purpose: str = ""
    header: tuple[str, ...] = ()

    def bent(self, **parts: Any) -> Ask:
        """The same with other parts; headers are added to those that are there."""
        header = (*self.header, *parts.pop("header", ()))
        return replace(self, **parts, header=header)

    def bytes(self, door: str) -> bytes:
        """As it is sent to one of the two doors."""
        path = self.path.format(model=self.model, where=self.where) + self.query
        lines = ["Host: gate", *self.header]
        if self.scheme:
            lines.append(f"Authorization: {self.scheme} {self.secret}")
        if self.purpose:
            lines.append(f"Cardinal-Purpose: {self.purpose}")
        if door == "check":
            first = "GET /check"
            lines += [f"X-Original-URI: {path}", f"X-Original-Method: {self.method}"]
        else:
            first = f"{self.method} {path}"
            lines += ["Content-Type: application/json", f"Content-Length: {self.length}"]
        body = "{}" if door != "check" and self.length == "2" else ""
        return ("\r\n".join([f"{first} HTTP/1.1", *lines]) + "\r\n\r\n" + body).encode()


@dataclass(frozen=True)
class Told:
    """An answer, as its bytes say."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes = field(repr=False)

    @property
    def code(self) -> str:
        """The reason that the caller hears."""
        return self.headers.get("x-cardinal-reason", "allowed" if self.status == 200 else "")

    @property
    def problem(self) -> dict[str, Any]:
        """The body of a refusal."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def decision(self) -> str:
        """Which decision it was."""
        return self.headers["x-cardinal-decision"]


class Line:
    """A connection that is made anew whenever the gate has shut it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, request: bytes) -> Told:
        """The answer to these bytes."""
        if self._wire is None:
            self._wire = socket.create_connection(("127.0.0.1", self._port), timeout=15)
        self._wire.sendall(request)
        told = self._read(self._wire)
        if told.headers.get("connection") == "close":
            self.close()
        return told

    def close(self) -> None:
        """Hangs up."""
        if self._wire:
            self._wire.close()
            self._wire = None

    def _read(self, wire: socket.socket) -> Told:
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += _more(wire)
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            more = _more(wire)
            body, raw = body + more, raw + more
        return Told(int(first.split()[1]), headers, body, raw)


def _more(wire: socket.socket) -> bytes:
    chunk = wire.recv(65536)
    assert chunk, "the gate hung up"
    return chunk
