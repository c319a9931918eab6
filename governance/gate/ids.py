"""Ids of decisions: UUIDs of version 7 (RFC 9562, section 5.7), whose order is that of time, so that an index grows at its end."""

from __future__ import annotations

import os

BATCH = 256  # ids whose random bits are fetched at once: asking the system each time costs more than the rest of an id


class Ids:
    """Makes ids from the gate's time and the system's randomness."""

    def __init__(self) -> None:
        self._bits: list[int] = []

    def new(self, microseconds: int) -> str:
        """An id in the usual text form. `microseconds` since 1970: 48 bits of milliseconds, 12 of what is left of them, and
        62 random bits.
        """
        if not self._bits:
            raw = os.urandom(8 * BATCH)
            self._bits = [int.from_bytes(raw[n : n + 8], "big") for n in range(0, len(raw), 8)]
        milliseconds, rest = divmod(microseconds, 1000)
        low = self._bits.pop() & 0x3FFFFFFFFFFFFFFF | 0x8000000000000000
        text = f"{milliseconds << 16 | 0x7000 | rest * 4096 // 1000:016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


ids = Ids()
