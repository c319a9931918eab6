"""What narrows an account for one request: it travels on the account, so whoever asks about rights meets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """Rights are what the account may do, and of that only these.

    `models` are the keys of the models that may be seen, as a condition on the key; None for all that the account sees.
    `scopes` are the words for what may be done; `key` names what limits (for counting), and `source` is that thing.
    """

    key: str
    scopes: frozenset[str]
    permissions: frozenset[str]
    models: Mapping[str, Any] | None = None
    source: Any = None
