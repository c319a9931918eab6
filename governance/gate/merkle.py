"""The Merkle tree hash of RFC 6962, section 2.1."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def root(leaves: Sequence[bytes]) -> bytes:
    """MTH(leaves): leaf = SHA-256(0x00 ‖ leaf), node = SHA-256(0x01 ‖ left ‖ right), none = SHA-256("")."""
    if not leaves:
        return sha256().digest()
    return _join([sha256(b"\x00" + leaf).digest() for leaf in leaves])


def _join(hashes: list[bytes]) -> bytes:
    """Pairs level by level; the odd last one moves up. The same tree as splitting at the largest power of two."""
    while len(hashes) > 1:
        paired = [sha256(b"\x01" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2], strict=False)]
        hashes = [*paired, hashes[-1]] if len(hashes) % 2 else paired
    return hashes[0]


Step = tuple[str, str]  # on which side the other hash stands, "left" or "right", and the hash in hexadecimal


def path(leaves: Sequence[bytes], place: int) -> list[Step]:
    """From the leaf at `place` to the root: what has to be joined with it, on which side, in order (RFC 6962, 2.1.1)."""
    hashes, steps = [sha256(b"\x00" + leaf).digest() for leaf in leaves], list[Step]()
    while len(hashes) > 1:
        beside = place ^ 1
        if beside < len(hashes):  # else the odd last one moves up alone
            steps.append(("left" if beside < place else "right", hashes[beside].hex()))
        paired = [sha256(b"\x01" + a + b).digest() for a, b in zip(hashes[::2], hashes[1::2], strict=False)]
        hashes = [*paired, hashes[-1]] if len(hashes) % 2 else paired
        place //= 2
    return steps


def climb(leaf: bytes, steps: Sequence[Step]) -> bytes:
    """The root to which these steps lead from `leaf`."""
    here = sha256(b"\x00" + leaf).digest()
    for side, other in steps:
        beside = bytes.fromhex(other)
        here = sha256(b"\x01" + (beside + here if side == "left" else here + beside)).digest()
    return here
