"""Token stuffing: whoever tries token after token is refused before the database is asked, by network, and nobody else.

A network that has shown more unknown or mistyped tokens than the limit within a minute is held back until that minute is
over; those whose address nobody knows count together. Held back are only tokens that nobody has issued: while a network is held back this process keeps 64 bits of the
digest of every token there is, in order, so a known one from the same network goes on as ever. Nothing is kept, and
nothing but an empty dictionary is looked at, while no network is held back.

Redis counts for all workers and nodes: at most the limit reaches the database in a minute, and one more for each worker,
which learns of it by that one. When Redis is away each worker counts its own share.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import replace
from math import ceil

from redis.asyncio import Redis
from redis.exceptions import RedisError

from governance.gate.decide import Answer, refuse
from governance.gate.known import Known
from governance.gate.request import Query
from governance.policies import aggregated

log = logging.getLogger(__name__)

CODE = "too_many_unknown_tokens"
COUNTED = frozenset({"token_unknown", "token_malformed"})
WINDOW = 60  # seconds
MOST_NETWORKS = (
    4_096  # remembered here; whoever uses more at once is forgotten first, and counted by Redis all the same
)
AWAY = 5.0  # seconds for which Redis is not asked after it has not answered
# The first of a window begins it; how many there were, and for how long it still runs.
SCRIPT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class Stuffing:
    """What one worker knows of networks that try token after token."""

    def __init__(self, redis: str, known: Known, *, limit: int, share: int, patience: float) -> None:
        self.known = known
        self._limit, self._share = limit, share
        self._held: OrderedDict[str, float] = OrderedDict()  # network → until when, by the monotonic clock
        self._own: OrderedDict[str, tuple[float, int]] = OrderedDict()  # network → end of the window, count
        self._asked_again = 0.0
        self._redis: Redis = Redis.from_url(redis, socket_timeout=patience, socket_connect_timeout=patience)
        self._script = self._redis.register_script(SCRIPT)

    async def close(self) -> None:
        """Gives the connections back."""
        await self.known.close()
        await self._redis.aclose()

    def wait(self, query: Query) -> int:
        """Seconds for which this query is held back; 0 when it goes on."""
        if not self._held or query.refusal not in ("", "token_malformed"):
            return 0
        network = aggregated(query.network)
        left = self._held.get(network, 0.0) - time.monotonic()
        if left <= 0:
            self._held.pop(network, None)
            return 0
        if query.token and self.known.may_be(query.token):
            return 0
        return ceil(left)

    async def saw(self, answer: Answer) -> None:
        """Counts an answer whose reason is one of `COUNTED`: a token that nobody has issued. Holds its network back when there were too many."""
        network = aggregated(answer.query.network)
        count, left, most = await self._counted(network)
        if count <= most or left <= 0:
            return
        if network not in self._held:
            log.warning("gate.stuffing", extra={"network": network, "seconds": left})
        self._held[network] = time.monotonic() + left
        self._held.move_to_end(network)
        while len(self._held) > MOST_NETWORKS:
            self._held.popitem(last=False)
        self.known.want(left)

    async def _counted(self, network: str) -> tuple[int, float, int]:
        """How many there were, how long the window still runs, and how many there may be."""
        own, left = self._counted_here(network)
        if time.monotonic() < self._asked_again:
            return own, left, self._share
        try:
            count, seconds = await self._script(keys=[f"cardinal:unknown:{network}"], args=[WINDOW])
        except (RedisError, OSError, TimeoutError):
            self._asked_again = time.monotonic() + AWAY
            return own, left, self._share
        return int(count), float(seconds), self._limit

    def _counted_here(self, network: str) -> tuple[int, float]:
        now = time.monotonic()
        end, count = self._own.pop(network, (0.0, 0))
        if end <= now:
            end, count = now + WINDOW, 0
        self._own[network] = (end, count + 1)
        while len(self._own) > MOST_NETWORKS:
            self._own.popitem(last=False)
        return count + 1, end - now


def held_back(query: Query, at: int, wait: int) -> Answer:
    """The answer to a query that is held back. Journalled like any other; it costs no look at the database."""
    return replace(refuse(replace(query, refusal=CODE), at), wait=wait)
