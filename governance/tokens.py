"""The token's format and its keyed digest. Pure; the gate uses the same functions.

crd_ + environment letter + 43 base62 digits (256 random bits) + 6 base62 digits (CRC32 of all before), so that a
secret scanner recognises a token offline and a typing error is refused without a look at the database.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PAIRS = [
    a + b for a in ALPHABET for b in ALPHABET
]  # two digits at once: the gate computes a checksum with each query
START = "crd_"
FORM = re.compile(r"crd_[a-z][0-9A-Za-z]{43}[0-9A-Za-z]{6}\Z", re.ASCII)
ANYWHERE = re.compile(r"crd_[a-z][0-9A-Za-z]{20,49}", re.ASCII)
LENGTH = 54
BLOCK = 64  # bytes that SHA-256 takes at once
VISIBLE = 10  # characters kept in the clear, to recognise a token in a list


@dataclass(frozen=True)
class Secret:
    """A new token. Its text is shown once and never printed by accident."""

    text: str
    digest: str

    def __repr__(self) -> str:
        return f"Secret({self.prefix}…)"

    __str__ = __repr__

    @property
    def prefix(self) -> str:
        return self.text[:VISIBLE]


def new(letter: str, pepper: str) -> Secret:
    """A token for the environment with this letter, from 256 bits of the system's randomness."""
    head = f"{START}{letter}{_base62(secrets.randbits(256), 43)}"
    text = head + _checksum(head)
    return Secret(text, digest(text, pepper))


def is_well_formed(text: str) -> bool:
    """Whether `text` looks like a token and its checksum fits. Says nothing about whether it is known."""
    return bool(FORM.match(text)) and fits(text)


def fits(text: str) -> bool:
    """Whether the last six characters are the checksum of those before."""
    return text.endswith(_checksum(text[:-6]))


def digest(text: str, pepper: str) -> str:
    """HMAC-SHA256 of the token under the pepper, hexadecimal. Only this is stored."""
    return hmac.new(pepper.encode(), text.encode(), hashlib.sha256).hexdigest()


def keyed(pepper: str) -> Callable[[bytes], bytes]:
    """The same digest as bytes, by the definition of HMAC (RFC 2104) with the key's two blocks made once.

    The gate computes one with each query, and the library's call costs it twice as much.
    """
    key = pepper.encode()
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    inner, outer = bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)
    sha256 = hashlib.sha256
    return lambda text: sha256(outer + sha256(inner + text).digest()).digest()


def digests(text: str, peppers: Sequence[str]) -> list[str]:
    """The digest under each pepper: a token is known while its pepper is among them."""
    return [digest(text, pepper) for pepper in peppers]


def pepper_id(pepper: str) -> str:
    """Eight characters that tell which pepper it is and nothing about it."""
    return hmac.new(pepper.encode(), b"cardinal pepper id", hashlib.sha256).hexdigest()[:8]


def masked(text: str) -> str:
    """`text` with the secret part of every token in it struck out."""
    return ANYWHERE.sub(lambda found: f"{found[0][:VISIBLE]}…", text)


def _checksum(head: str) -> str:
    rest, low = divmod(binascii.crc32(head.encode()), len(PAIRS))
    high, middle = divmod(rest, len(PAIRS))
    return PAIRS[high] + PAIRS[middle] + PAIRS[low]


def _base62(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, rest = divmod(value, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
