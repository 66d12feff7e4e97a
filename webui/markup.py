"""Articles as HTML: Markdown without raw HTML and without pictures, then cleaned by an allow-list all the same."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_TAGS = frozenset(
    {
        "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre",
        "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True})
_markdown.enable(["table", "strikethrough"]).disable("image")


def article_html(text: str) -> Markup:
    """Render an article; links open beside the page and say nothing of where they came from."""
    html = nh3.clean(
        _markdown.render(text), tags=set(_TAGS), attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto", "tel"}, link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )  # fmt: skip
    return Markup(html)  # noqa: S704 - cleaned above
