"""Rates and quotas of policies, counted in Redis: one number for all workers and nodes, by Redis' own clock.

A rate is the generic cell rate algorithm (ITU-T I.371, virtual scheduling) with a burst of the whole limit; a quota is a
fixed window in the zone of the policy. One script looks and counts, so two queries at once never take the same place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from governance.policies import RATE_SECONDS, Charge, Shortage

# KEYS: for each rule its rate and its quota; ARGV: limit and microseconds of the rate, limit and seconds of the quota.
# The first rule that has something left of both is charged, and no other. Times are counted from 2026 on: the smaller
# the number, the finer a double tells it.
SCRIPT = """
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1767225600) * 1000000 + tonumber(time[2])
local said = {}
for i = 1, #KEYS / 2 do
  local rate, quota = KEYS[2 * i - 1], KEYS[2 * i]
  local most, period = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local quota_most, left = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local full, over = now, 0
  if most > 0 then
    full = math.max(tonumber(redis.call('GET', rate) or now), now) + period / most
    over = full - period - now
  end
  if quota_most > 0 and tonumber(redis.call('GET', quota) or 0) >= quota_most then
    said[i] = {'policy_quota', left}
  elseif over > 1 then
    said[i] = {'policy_rate', math.ceil(over / 1000000)}
  else
    if most > 0 then redis.call('SET', rate, string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000)) end
    if quota_most > 0 then redis.call('INCR', quota); redis.call('EXPIRE', quota, left) end
    said[i] = {'', 0}
    return said
  end
end
return said
"""
MICROSECONDS = 1_000_000
UNCOUNTED = Shortage("limits_unavailable")


class Limits:
    """Counts what rules allow so often and no more. When Redis is away nothing is allowed by them."""

    def __init__(self, url: str, *, patience: float) -> None:
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=patience, socket_connect_timeout=patience, single_connection_client=False
        )
        self._script = self._redis.register_script(SCRIPT)

    async def close(self) -> None:
        """Gives the connections back."""
        await self._redis.aclose()

    async def take(
        self, owed: Sequence[Charge], *, model: str, environment: str, caller: str, at: datetime
    ) -> Mapping[str, Shortage | None]:
        """Counts one query of `caller` against the first of these rules that has something left.

        By rule: None for counted, or what is used up. `at` decides in which day or month a quota counts.
        """
        keys, values = [], []
        for charge in owed:
            window, left = "", 0
            if charge.quota:
                window, end = charge.quota.window(at)
                left = max(1, int((end - at).total_seconds()) + 1)
            place = f"cardinal:{environment}:{model}:{caller}:{charge.key}"
            keys += [f"{place}:rate", f"{place}:quota:{window}"]
            values += [
                charge.rate.limit if charge.rate else 0,
                RATE_SECONDS[charge.rate.per] * MICROSECONDS if charge.rate else 0,
                charge.quota.limit if charge.quota else 0,
                left,
            ]
        try:
            said = await self._script(keys=keys, args=values)
        except (RedisError, OSError, TimeoutError):
            return {charge.key: UNCOUNTED for charge in owed}
        return {
            charge.key: Shortage(code.decode(), int(seconds)) if code else None
            for charge, (code, seconds) in zip(owed, said, strict=False)
        }
