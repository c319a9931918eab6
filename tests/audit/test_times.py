"""Times in the sentences of the trail: one form, in UTC, and marked for machines."""

from __future__ import annotations

from audit import phrases
from registry.templatetags.times import timed


def told(kind: str, **facts: object) -> str:
    return phrases.sentence({"kind": kind, "by": {"name": "owner"}, "facts": facts})


def test_a_time_is_written_as_on_the_pages_whatever_its_offset() -> None:
    said = told(
        "token.expiring", token={"name": "Loan desk"}, owner="owner", expires_at="2026-12-28T22:37:31.5+02:00"
    )

    assert said == "owner announced that the token Loan desk of owner ends at 2026-12-28 20:37 UTC."


def test_a_sentence_ends_once() -> None:
    for reason, end in (("It moved.", ": “It moved.”"), ("Why?", ": “Why?”"), ("It moved", ": “It moved”.")):
        assert told("stop.made", what="queries", reason=reason) == f"owner stopped queries{end}"
    assert told("stop.made", what="queries", reason="") == "owner stopped queries."


def test_every_time_in_a_sentence_is_marked_and_the_rest_is_escaped() -> None:
    assert timed("<b> until 2026-12-28 22:37 UTC, not 2026-12-27 08:00 UTC.") == (
        '&lt;b&gt; until <time datetime="2026-12-28T22:37Z">2026-12-28 22:37 UTC</time>,'
        ' not <time datetime="2026-12-27T08:00Z">2026-12-27 08:00 UTC</time>.'
    )
    assert timed("version 2026-12-28 of the file") == "version 2026-12-28 of the file"


def test_an_entry_is_read_even_when_its_time_is_none() -> None:
    assert phrases.moment("soon") == "soon"
