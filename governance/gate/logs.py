"""Log lines of the gate: the portal's form, with the id of the query that is being answered."""

from __future__ import annotations

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")

# They tell of every call to a model server and every new connection, at length.
CHATTY = ("httpx", "httpcore", "psycopg.pool")


class CurrentQuery(logging.Filter):
    """Puts the query's id on every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


def install() -> None:
    """Added last, so that it has the last word: the portal's own filter knows nothing of queries."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(CurrentQuery())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
