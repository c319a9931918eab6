"""Ids of decisions: UUIDs of version 7 (RFC 9562, section 5.7), whose order is that of time, so that an index grows at its end."""

from __future__ import annotations

import os

BATCH = 256  # drawn at once: asking the system each time costs more than the rest of an id


class Random:
    """The system's randomness in hexadecimal, drawn ahead. What has been given out is not kept."""

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self._ahead: list[str] = []

    def hexadecimal(self) -> str:
        """So many bytes."""
        if not self._ahead:
            width = 2 * self._size
            raw = os.urandom(self._size * BATCH).hex()
            self._ahead = [raw[n : n + width] for n in range(0, len(raw), width)]
        return self._ahead.pop()


class Ids:
    """Makes ids from the gate's time and the system's randomness."""

    def __init__(self) -> None:
        self._tails: list[str] = []
        self._milliseconds, self._head = -1, ""

    def new(self, microseconds: int) -> str:
        """An id in the usual text form. `microseconds` since 1970: 48 bits of milliseconds, 12 of what is left of them, and
        62 random bits.
        """
        milliseconds, rest = divmod(microseconds, 1000)
        if milliseconds != self._milliseconds:
            text = f"{milliseconds:012x}"
            self._milliseconds, self._head = milliseconds, f"{text[:8]}-{text[8:]}-7"
        if not self._tails:
            self._draw()
        return f"{self._head}{rest * 4096 // 1000:03x}-{self._tails.pop()}"

    def _draw(self) -> None:
        raw = os.urandom(8 * BATCH).hex()
        for n in range(0, len(raw), 16):
            variant = "89ab"[int(raw[n], 16) & 3]  # two bits say of which kind the id is
            self._tails.append(f"{variant}{raw[n + 1 : n + 4]}-{raw[n + 4 : n + 16]}")


ids = Ids()
random = Random()
