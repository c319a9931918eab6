"""The gate without its journal, to see what its own path costs. No setting of the product does this."""

from __future__ import annotations

import sys
from typing import Any


def application() -> Any:
    """The gate's application, whose decisions are thrown away."""
    from governance.gate.__main__ import application as journalled
    from governance.gate.decide import Answer
    from governance.gate.journal import Told

    gate: Any = journalled()

    async def forget(answer: Answer) -> None:
        """Stores nothing."""

    def answered(answer: Answer, tell: Told) -> None:
        """Stores nothing, and says at once that it did."""
        tell(answer, None)

    gate.judge.journal.record, gate.judge.journal.append = forget, answered
    return gate


if __name__ == "__main__":
    from governance.gate.__main__ import main

    sys.exit(main("tests.bench.unjournalled:application"))
