"""An allowed query on its way to the model server, and what the caller hears when that fails."""

from __future__ import annotations

import logging

from governance.gate import outcomes, reasons
from governance.gate.answers import refuse
from governance.gate.bodies import Gone, SlowCaller, TooLarge
from governance.gate.credentials import Unusable
from governance.gate.decide import Answer
from governance.gate.metrics import Metrics
from governance.gate.proxy import CredentialRefused, Exchange, Proxy, TimedOut, Unreachable
from governance.gate.reasons import Reason
from governance.gate.servers import Busy, Open

log = logging.getLogger("governance.gate")

SAID: dict[type[Exception], Reason] = {
    TooLarge: reasons.REASONS["too_large"],
    SlowCaller: reasons.REASONS["slow_caller"],
    TimedOut: outcomes.UPSTREAM_TIMED_OUT,
    Unreachable: outcomes.UPSTREAM_UNREACHABLE,
    Open: outcomes.UPSTREAM_OPEN,
    Busy: outcomes.UPSTREAM_BUSY,
    Unusable: outcomes.CREDENTIAL_UNUSABLE,
    CredentialRefused: outcomes.CREDENTIAL_REFUSED,
}


async def forward(proxy: Proxy, metrics: Metrics, answer: Answer, exchange: Exchange) -> None:
    """Sends the query on, and the model server's answer back to the caller."""
    try:
        status = await proxy.forward(exchange)
    except Gone:
        metrics.upstream["caller_gone",] += 1
    except Exception as error:
        if exchange.started:  # half an answer is out: broken off, it cannot pass for a whole one
            metrics.upstream["broken_off",] += 1
            raise
        reason = SAID.get(type(error))
        if reason is None:
            log.exception("gate.forward_failed")
            reason = outcomes.UPSTREAM_UNREACHABLE
        elif isinstance(error, Unusable | CredentialRefused):  # the operator must act, and is told which
            log.warning(
                "gate.credential", extra={"why": reason.code, "credential": exchange.upstream.credential}
            )
        metrics.upstream[reason.code,] += 1
        wait = error.seconds if isinstance(error, Open) else 0
        await refuse(send=exchange.send, query=answer.query, reason=reason, answer=answer, wait=wait)
    else:
        metrics.upstream[f"{status // 100}xx",] += 1
