"""What somebody typed into a search box. Any text is a query; none is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import ClassVar

from django.contrib.postgres.search import CombinedSearchQuery, SearchQuery

LONGEST = 200  # characters that are read; what is typed beyond them is left out
MOST_TERMS = 12
SHORTEST_PREFIX = 2  # one letter begins a tenth of all words: it stands for itself

# The same gaps as in search_words() of migration 0051: a word is found as it was stored.
GAP = re.compile(r"[\x00-/:-@\[-`{-\u00bf\u2000-\u206f\u3000-\u303f]+")
TERM = re.compile(r'(?P<not>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

TsQuery = SearchQuery | CombinedSearchQuery


class Marks(SearchQuery):
    """That the marks of a phrase are in the index, which hold of whatever has the phrase (migration 0097)."""

    SEARCH_TYPES: ClassVar[dict[str, str]] = {"marks": "search_phrase"}  # type: ignore[misc]


@dataclass(frozen=True)
class Term:
    """Words in a row, found as written or by their stems; with `is_prefix` the last one may go on."""

    words: tuple[str, ...]
    is_prefix: bool = False

    def tsquery(self) -> TsQuery:
        """The condition on a vector."""
        phrase = " ".join(self.words)
        found = SearchQuery(phrase, config="pg_catalog.simple", search_type="phrase") | SearchQuery(
            phrase, config="pg_catalog.english", search_type="phrase"
        )
        if self.is_prefix and len(self.words[-1]) >= SHORTEST_PREFIX:
            # No word holds a quote or a backslash: both are gaps.
            begun = " <-> ".join(f"'{word}'" for word in self.words) + ":*"
            found |= SearchQuery(begun, config="pg_catalog.simple", search_type="raw")
        return found

    @property
    def is_phrase(self) -> bool:
        """Whether words must follow one another: what the index says of that is looked at again."""
        return len(self.words) > 1

    @property
    def is_marked(self) -> bool:
        """Whether the index leaves hardly more than what fits. Of a phrase that may go on it knows the words alone."""
        return not (self.is_phrase and self.is_prefix)

    def words_tsquery(self) -> TsQuery:
        """A condition on the index alone, that its words are there: holds wherever the term is found."""
        if not self.is_phrase:
            return self.tsquery()
        phrase = " ".join(self.words)
        if self.is_marked:
            return Marks(phrase, search_type="marks")
        found = SearchQuery(phrase, config="pg_catalog.simple") | SearchQuery(
            phrase, config="pg_catalog.english"
        )
        if self.is_prefix and len(self.words[-1]) >= SHORTEST_PREFIX:
            begun = " & ".join(f"'{word}'" for word in self.words) + ":*"
            found |= SearchQuery(begun, config="pg_catalog.simple", search_type="raw")
        return found


@dataclass(frozen=True)
class Query:
    """All of `groups` must be found, of each group one term; none of `excluded`."""

    text: str
    groups: tuple[tuple[Term, ...], ...] = ()
    excluded: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.groups or self.excluded)

    @property
    def terms(self) -> list[Term]:
        """Everything that is looked for."""
        return [term for group in self.groups for term in group]

    @property
    def words(self) -> list[str]:
        """Every word that is looked for."""
        return [word for term in self.terms for word in term.words]

    def anything(self) -> TsQuery | None:
        """The condition that one of the terms is found; what rank and snippets look at."""
        return any_of(self.terms) if self.groups else None


def any_of(terms: Iterable[Term]) -> TsQuery:
    """The condition that one of `terms` is found."""
    return reduce(or_, (term.tsquery() for term in terms))


def words_of_any(terms: Iterable[Term]) -> TsQuery:
    """A condition on the index alone that holds wherever one of `terms` is found."""
    return reduce(or_, (term.words_tsquery() for term in terms))


def parse(text: str) -> Query:
    """Read `credit "loan desk" -fraud or churn`: words in any order, phrases in quotes, - excludes, "or" between two."""
    shown = text.strip()[:LONGEST]
    groups: list[list[Term]] = []
    excluded: list[Term] = []
    joined = False
    found = list(TERM.finditer(shown))[: 2 * MOST_TERMS]
    for place, match in enumerate(found):
        if match["word"] in ("or", "OR") and groups and place + 1 < len(found) and not match["not"]:
            joined = True
            continue
        words = tuple(GAP.sub(" ", match["phrase"] or match["word"] or "").split())
        if not words or len(groups) + len(excluded) >= MOST_TERMS:
            continue
        term = Term(words, is_prefix=match["phrase"] is None and place + 1 == len(found))
        if match["not"]:
            excluded.append(Term(words))
        elif joined:
            groups[-1].append(term)
        else:
            groups.append([term])
        joined = False
    return Query(shown, tuple(map(tuple, groups)), tuple(excluded))
