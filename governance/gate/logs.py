"""Log lines of the gate: the portal's form, with the id of the query that is being answered."""

from __future__ import annotations

import logging
import time
from contextvars import ContextVar

from governance.gate.decide import Answer
from governance.gate.request import Query

log = logging.getLogger("governance.gate")

request_id: ContextVar[str] = ContextVar("request_id", default="")

# They tell of every call to a model server and every new connection, at length.
CHATTY = ("httpx", "httpcore", "psycopg.pool", "opentelemetry", "urllib3")

NONE, REFUSED, ALL = "none", "refused", "all"  # which decisions are written to the log as well


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


def decision(wanted: str, query: Query, code: str, began: float, answer: Answer | None = None) -> None:
    """One line about a decision, where it is wanted. It holds what the journal holds: ids, never a secret."""
    if wanted == NONE or (wanted == REFUSED and answer is not None and answer.allowed):
        return
    mark = request_id.set(query.request_id)
    log.info(
        "gate.answered",
        extra={
            "allowed": answer is not None and answer.allowed,
            "door": query.door,
            "reason": code,
            "model": query.model,
            "version": answer.version if answer else None,
            "environment": answer.environment if answer else "",
            "decision": str(answer.id) if answer else None,
            "token": answer.token if answer else "",
            "caller": answer.caller if answer else "",
            "network": query.network,
            "ms": round((time.perf_counter() - began) * 1000, 2),
        },
    )
    request_id.reset(mark)
