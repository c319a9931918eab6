"""Runs the `cardinal` command as on a machine that has click, httpx and httpx-retries, and nothing else of ours.

    python tests/governance/client/bare.py check credit-scorer@champion

Whatever else is imported is not there; so every test of the command holds that it needs nothing of the portal.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# What those three bring with them, by their own metadata.
THERE = {"click", "httpx", "httpx_retries", "httpcore", "h11", "anyio", "sniffio", "certifi", "idna", "typing_extensions"}  # fmt: skip
OURS = ("governance", "governance.client")


class Nothing(MetaPathFinder):
    """Finds nothing, loudly, where a bare machine would have nothing."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> None:
        """Let through the standard library, the three, and the client."""
        first = name.partition(".")[0]
        if (
            first in sys.stdlib_module_names
            or first in THERE
            or name in OURS
            or name.startswith("governance.client.")
        ):
            return
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)


if __name__ == "__main__":
    sys.meta_path.insert(0, Nothing())
    sys.path[0] = str(ROOT)
    from governance.client.command import main

    sys.exit(main(sys.argv[1:]))
