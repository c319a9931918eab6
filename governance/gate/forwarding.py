"""An allowed query on its way to the model server, and what the caller hears when that fails."""

from __future__ import annotations

import logging
from typing import Any

from governance.gate import reasons
from governance.gate.answers import own, refuse
from governance.gate.decide import Answer
from governance.gate.metrics import Metrics
from governance.gate.proxy import (
    Gone,
    Headers,
    Proxy,
    Receive,
    Send,
    SlowCaller,
    TimedOut,
    TooLarge,
    Unreachable,
)

log = logging.getLogger("governance.gate")


async def forward(
    proxy: Proxy, metrics: Metrics, answer: Answer, given: Headers, receive: Receive, send: Send
) -> None:
    """Sends the query on with what may pass of the headers `given`, and its answer back to the caller."""
    started = False

    async def noting(message: dict[str, Any]) -> None:
        nonlocal started
        started = True
        await send(message)

    try:
        status = await proxy.forward(answer, given, own(answer), receive, noting)
        metrics.upstream[f"{status // 100}xx",] += 1
        return
    except Gone:
        metrics.upstream["caller_gone",] += 1
        return
    except TooLarge:
        reason = reasons.REASONS["too_large"]
    except SlowCaller:
        reason = reasons.SLOW_CALLER
    except TimedOut:
        reason = reasons.UPSTREAM_TIMED_OUT
    except Unreachable:
        reason = reasons.UPSTREAM_UNREACHABLE
    except Exception:
        if started:  # half an answer is out: break the connection off, so that it cannot pass for a whole one
            metrics.upstream["broken_off",] += 1
            raise
        log.exception("gate.forward_failed")
        reason = reasons.UPSTREAM_UNREACHABLE
    metrics.upstream[reason.code,] += 1
    await refuse(send, answer.query, reason, answer)
