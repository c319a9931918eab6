"""What workers do when they are asked: read a tracking server, render a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Protocol, TypeVar

from governance.client.answers import Report, Server, Sync
from governance.client.catalogue import part
from governance.client.reading import read
from governance.client.wire import Wire

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds between two looks


class Work(Protocol):
    """Something that a worker has been asked for."""

    @property
    def is_under_way(self) -> bool:
        """Whether it has not ended yet."""


W = TypeVar("W", bound=Work)


def follow(one: W, ask: Callable[[W], W], seconds: float, *, told: Callable[[W], None] = lambda _: None) -> W:
    """Look again until it has ended or the time is over; `told` hears of it each time."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while one.is_under_way and (left := deadline - time.monotonic()) > 0:
        told(one)
        time.sleep(min(pause, left))
        pause, one = min(1.5 * pause, LONGEST_PAUSE), ask(one)
    return one


@dataclass(frozen=True)
class Servers:
    """Tracking servers. Needs the scope `sync`."""

    wire: Wire

    def list(self, *, limit: int | None = None) -> Iterator[Server]:
        """Those that are followed."""
        return (read(Server, row) for row in self.wire.rows("servers/", limit=limit))

    def get(self, name: str) -> Server:
        """How old the knowledge of one is."""
        return read(Server, self.wire.get(f"servers/{part(name)}/").data)

    def sync(self, name: str) -> Sync:
        """Let a worker read it now."""
        return read(Sync, self.wire.send("POST", f"servers/{part(name)}/sync/").data)

    def followed(self, one: Sync) -> Sync:
        """Where that read stands."""
        return read(Sync, self.wire.get(f"servers/{part(one.server)}/sync/{part(one.id)}/").data)


@dataclass(frozen=True)
class Reports:
    """Signed documents for auditors. Needs the scope `report` to order one and to take it home."""

    wire: Wire

    def list(
        self,
        *,
        model: str = "",
        version: int | None = None,
        state: str = "",
        sha256: str = "",
        limit: int | None = None,
    ) -> Iterator[Report]:
        """Newest first; by `sha256` one finds which report a file is."""
        asked = {"model": model, "version": version, "state": state, "sha256": sha256}
        return (read(Report, row) for row in self.wire.rows("reports/", asked, limit=limit))

    def get(self, key: str) -> Report:
        """How far one is."""
        return read(Report, self.wire.get(f"reports/{part(key)}/").data)

    def order(self, slug: str, number: int) -> Report:
        """Ask for a report on a version."""
        return read(Report, self.wire.send("POST", f"models/{part(slug)}/versions/{number}/reports/").data)

    def download(self, key: str, into: IO[bytes]) -> str:
        """Write the file; returns the SHA-256 that the portal tells. Each download stands in the trail."""
        return self.wire.file(f"reports/{part(key)}/file/", into)
