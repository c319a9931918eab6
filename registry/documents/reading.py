"""What stands in an answer: figures as they were typed, and whether a text repeats another."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?")
SHINGLE = 3  # words that stand together in both texts
COPIED = 0.7  # the share of a text's shingles that another text holds as well


def has_number(text: str) -> bool:
    """Whether there is a figure anywhere in the text."""
    return bool(NUMBER.search(text))


def number(text: str) -> float | None:
    """A figure as it was typed: 0.9, 0,9, 90 %, −3; None for anything else, and where 1,000 could be one or a thousand."""
    match = NUMBER.fullmatch(text.strip().removesuffix("%").strip())
    if match is None or re.fullmatch(r"\D?\d{1,3},\d{3}", match[0]):
        return None
    return float(match[0].replace(",", ".").replace("−", "-"))


def out_of_order(texts: list[str]) -> bool:
    """Whether the figures among these texts do not rise. One alone always does."""
    known = [one for one in map(number, texts) if one is not None]
    return len(known) > 1 and known != sorted(known)


def copied(text: str, of: str) -> bool:
    """Whether `text` says, in the same words, what `of` says. Linear in the length of both."""
    words, others = _words(text), _words(of)
    if not words or not others:
        return False
    if len(words) < 2 * SHINGLE:
        return words == others
    here, there = _shingles(words), _shingles(others)
    return len(here & there) / len(here) >= COPIED


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1)}
