"""The sandbox of the report documents."""

from __future__ import annotations

import pytest
from jinja2.exceptions import SecurityError, UndefinedError

from audit.reports.environment import clip, count, environment, prose, short, when


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.append(1) }}",
        "{{ cycler.__init__.__globals__ }}",
        "{% for i in range(10**9) %}{% endfor %}",
    ],
)
def test_the_sandbox_refuses(source: str) -> None:
    with pytest.raises((SecurityError, UndefinedError, OverflowError)):
        environment().from_string(source).render(x=[])


def test_an_unknown_name_and_the_safe_filter_are_errors() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("{{ nothing }}").render()
    with pytest.raises(Exception, match="No filter named 'safe'"):
        environment().from_string("{{ '<b>' | safe }}")


def test_filters_say_what_they_should() -> None:
    assert when("2026-11-23T15:05:00+01:00") == "23 November 2026, 14:05 UTC"
    assert when("2026-11-23") == "23 November 2026"
    assert when(None) == "not recorded"
    assert count(1234567) == "1\u2009234\u2009567"
    assert short("sha256:" + "ab" * 32) == "abababababab"
    assert clip("a" * 10, 4).startswith("aaaa … [10 characters")
    assert (
        prose("# Head\n\n**bold** <b>x</b>")
        == '<p class="line">Head</p>\n<p><strong>bold</strong> &lt;b&gt;x&lt;/b&gt;</p>\n'
    )
