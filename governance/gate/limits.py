"""Rates and quotas of policies, counted in Redis: one number for all workers and nodes, by Redis' own clock.

A rate is the generic cell rate algorithm (ITU-T I.371, virtual scheduling) with a burst of the whole limit; a quota is a
fixed window in the zone of the policy. One script looks and counts, so two queries at once never take the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from governance.gate.ratelimit import Left
from governance.policies import RATE_SECONDS, Charge, Shortage

# KEYS: for each rule its rate and its quota; ARGV: limit and microseconds of the rate, limit and seconds of the quota.
# The first rule that has something left of both is charged, and no other. Times are counted from 2026 on: the smaller
# the number, the finer a double tells it.
SCRIPT = """
local time = redis.call('TIME')
local now = (tonumber(time[1]) - 1767225600) * 1000000 + tonumber(time[2])
local said = {}
-- Of each rule: what refuses it, for how long, and what is left of rate and quota, each with the seconds until all is back.
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
    said[i] = {'policy_quota', left, 0, 0, 0, left}
  elseif over > 1 then
    said[i] = {'policy_rate', math.ceil(over / 1000000), 0, math.ceil((full - period / most - now) / 1000000), 0, 0}
  else
    if most > 0 then redis.call('SET', rate, string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000)) end
    local used = 0
    if quota_most > 0 then used = redis.call('INCR', quota); redis.call('EXPIRE', quota, left) end
    local free = most > 0 and math.floor(most - (full - now) * most / period + 0.001) or 0
    said[i] = {'', 0, free, math.ceil((full - now) / 1000000), quota_most - used, left}
    return said
  end
end
return said
"""
MICROSECONDS = 1_000_000
Said = tuple[bytes, int, int, int, int, int]
QUOTA_SECONDS = {"day": 86_400}  # months differ
UNCOUNTED = Shortage("limits_unavailable")


class Taken(dict[str, Shortage | None]):
    """By rule: None for counted, or what is used up. `left`: of the limits that were counted or are used up."""

    left: tuple[Left, ...] = ()


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
    ) -> Taken:
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
            return Taken({charge.key: UNCOUNTED for charge in owed})
        taken = Taken()
        for charge, (code, seconds, *_) in zip(owed, said, strict=False):
            taken[charge.key] = Shortage(code.decode(), int(seconds)) if code else None
        last = len(said) - 1  # the rule that was charged, or the last of those that are used up
        taken.left = tuple(_left(owed[last], said[last])) if said else ()
        return taken


def _left(charge: Charge, said: Said) -> Iterator[Left]:
    """The limits of one rule as they stand now. Of a rule that is used up only the limit that refuses is told."""
    code, _, free, full, unused, end = said
    whose = "token" if charge.key.startswith("token:") else "policy"
    if charge.rate and code != b"policy_quota":
        yield Left(f"{whose}-rate", charge.rate.limit, RATE_SECONDS[charge.rate.per], free, full)
    if charge.quota and code != b"policy_rate":
        yield Left(f"{whose}-quota", charge.quota.limit, QUOTA_SECONDS.get(charge.quota.per, 0), unused, end)
