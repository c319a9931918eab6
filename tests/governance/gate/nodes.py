"""Nodes of a network that is ours: network namespaces of Linux, joined by cables that a test may cut."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
CLONE_NEWNET = 0x40000000
PROGRAM = shutil.which("ip") or ""
NAMESPACES = Path("/run/netns")


class Unable(Exception):
    """No network of one's own can be made here; the text says why."""


class Node:
    """One machine of the network, as far as the network is concerned."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._crew = ThreadPoolExecutor(1, initializer=self.enter)

    def enter(self) -> None:
        """From now on the calling thread stands in this node, and so does whatever it starts."""
        place = os.open(NAMESPACES / self.name, os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(place, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {self.name}")
        finally:
            os.close(place)

    def run(self, what: Callable[[], T]) -> T:
        """Does `what` there."""
        return self._crew.submit(what).result()

    def ip(self, *words: str) -> None:
        """`ip` there."""
        ip("-n", self.name, *words)

    def close(self) -> None:
        """Nobody stands there any more."""
        self._crew.shutdown()


class Cable:
    """What joins a node to the one of the database: there it ends at `here`, in the node at `there`."""

    def __init__(self, number: int, hub: Node, node: Node) -> None:
        self.hub, self.device = hub, f"to{number}"
        self.here, self.there = f"10.77.{number}.1", f"10.77.{number}.2"
        ip(
            "link", "add", self.device, "netns", hub.name, "type", "veth",
            "peer", "name", "wire", "netns", node.name,
        )  # fmt: skip
        for one, device, address in ((hub, self.device, self.here), (node, "wire", self.there)):
            one.ip("address", "add", f"{address}/24", "dev", device)
            one.ip("link", "set", device, "up")

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Nothing passes, and both ends may notice."""
        self.hub.ip("link", "set", self.device, "down")
        try:
            yield
        finally:
            self.hub.ip("link", "set", self.device, "up")

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """What the database says is lost on the way, and nobody hears of it."""
        self.hub.ip("route", "add", "blackhole", f"{self.there}/32")
        try:
            yield
        finally:
            self.hub.ip("route", "del", "blackhole", f"{self.there}/32")


def ip(*words: str) -> None:
    """The program `ip`. What this kernel or this account may not make at all is `Unable`; all else is a mistake."""
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode and "add" in words and words[0] in ("netns", "link"):
        raise Unable(f"No network of one's own: ip {' '.join(words)}: {done.stderr.strip()}")
    assert not done.returncode, f"ip {' '.join(words)}: {done.stderr.strip()}"


@contextmanager
def network(*names: str) -> Iterator[list[Node]]:
    """So many nodes, each with its own loopback and nothing else."""
    if os.geteuid() or not PROGRAM:
        raise Unable("Networks of one's own need root and `ip`.")
    unique = [f"crd-{os.getpid()}-{name}" for name in names]
    made: list[Node] = []
    try:
        for name in unique:
            ip("netns", "add", name)
            made.append(Node(name))
            made[-1].ip("link", "set", "lo", "up")
        yield made
    finally:
        for node in made:
            node.close()
            subprocess.run([PROGRAM, "netns", "del", node.name], capture_output=True, check=False)
