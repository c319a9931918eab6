"""The gate without its journal, to see what its own path costs. No setting of the product does this."""

from __future__ import annotations

from typing import Any


def application() -> Any:
    """The gate's application, whose decisions are thrown away."""
    from governance.gate.__main__ import application as journalled
    from governance.gate.decide import Answer

    gate: Any = journalled()

    async def forget(answer: Answer) -> None:
        """Stores nothing."""

    gate.journal.record = forget
    return gate
