"""Prose written by people: Markdown in, clean HTML out. Pages and reports show it through this one door."""

from collections.abc import Sequence

import nh3
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "a", "ul", "ol", "li", "code", "pre", "blockquote"),
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def settle_headings(tokens: Sequence[Token]) -> None:
    """Headings of a text begin at h3, below the page's own, and never skip a level on the way down."""
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    top = min((int(token.tag[1]) for token in headings), default=1)
    level = 2
    for opening, closing in zip(headings[::2], headings[1::2], strict=True):
        level = min(6, level + 1, 3 + int(opening.tag[1]) - top)
        opening.tag = closing.tag = f"h{level}"


def render_prose(text: str) -> SafeString:
    """Markdown as clean HTML: no raw HTML, no images, no styles, links that vouch for nothing."""
    tokens = MARKDOWN.parse(text)
    settle_headings(tokens)
    clean = nh3.clean(
        MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}),
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener",
    )
    return SafeString(clean)
