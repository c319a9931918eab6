"""Which tokens there are, by 64 bits of their digests: kept only while somebody tries token after token.

Eight bytes a token, in order, so a million are 8 MB and found in a microsecond. Tokens that are over are among them: what
is wrong with them the gate tells as ever. What is not among them was issued by nobody, but for a few seconds' delay.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from governance import tokens

log = logging.getLogger(__name__)

EVERY = 0.5  # seconds between two looks for new ones
# One value, in order: no work for each row on this side.
ALL = """
SELECT now(), coalesce(string_agg(decode(left(digest, 16), 'hex'), ''::bytea ORDER BY left(digest, 16) COLLATE "C"), ''::bytea)
FROM governance_token
"""
# Issued by somebody's clock and committed later: looked at a while back, again and again.
NEW = """
SELECT now(), coalesce(string_agg(decode(left(digest, 16), 'hex'), ''::bytea), ''::bytea)
FROM governance_token WHERE issued_at > %s - interval '2 minutes'
"""


class Known:
    """The tokens there are, while they are wanted. Without them every token may be one."""

    def __init__(self, connection: Mapping[str, Any], *, peppers: Sequence[str]) -> None:
        self._parameters, self._peppers = connection, peppers
        self._all: array[int] | None = None
        self._new: frozenset[int] = frozenset()
        self._until = 0.0
        self._task: asyncio.Task[None] | None = None

    def may_be(self, text: str) -> bool:
        """Whether somebody may have issued this token; True while that is not known."""
        if self._all is None:
            return True
        return any(self._has(int(one[:16], 16)) for one in tokens.digests(text, self._peppers))

    def want(self, seconds: float) -> None:
        """Keeps them for so long at least, and a while longer."""
        self._until = max(self._until, time.monotonic() + 2 * seconds)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Forgets them."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._all, self._new = None, frozenset()

    def _has(self, number: int) -> bool:
        assert self._all is not None  # noqa: S101 - asked only while they are there
        place = bisect_left(self._all, number)
        return (place < len(self._all) and self._all[place] == number) or number in self._new

    async def _keep(self) -> None:
        """Loads them, then looks for new ones. When the database is away it forgets: nothing is held back by old knowledge."""
        try:
            async with await psycopg.AsyncConnection.connect(
                **self._parameters, autocommit=True
            ) as connection:
                since, everything = await _ask(connection, ALL)
                self._all = _numbers(everything)
                while time.monotonic() < self._until:
                    _, new = await _ask(connection, NEW, since)
                    self._new = frozenset(_numbers(new))
                    await asyncio.sleep(EVERY)
        except (psycopg.Error, OSError) as error:
            log.warning("gate.tokens_not_known", extra={"why": type(error).__name__})
        finally:
            self._all, self._new = None, frozenset()


async def _ask(connection: psycopg.AsyncConnection[Any], statement: str, *since: Any) -> tuple[Any, bytes]:
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(statement, since)
        row = await cursor.fetchone()
    if row is None:
        raise psycopg.DataError("the statement always gives one row")
    return row[0], bytes(row[1])


def _numbers(octets: bytes) -> array[int]:
    found: array[int] = array("Q")
    found.frombytes(octets)
    if sys.byteorder == "little":
        found.byteswap()
    return found
