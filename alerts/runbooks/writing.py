"""Runbooks as people write them: Markdown, of which nothing but text, lists, links and code becomes HTML."""

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Without HTML of their own, without images (which would tell another server who reads), and links to pages alone.
_MARKDOWN = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False}).disable("image")
# Headings of a text inside of a page are below those of the page.
_LEVELS = {"h1": "h4", "h2": "h4", "h3": "h5", "h4": "h5", "h5": "h6"}


def as_html(text: str) -> str:
    """Safe to show as it is."""
    tokens = parsed(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _LEVELS.get(token.tag, token.tag)
        for part in token.children or ():
            if part.type == "link_open":
                part.attrSet("rel", "noopener noreferrer")
    return str(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def parsed(text: str) -> list[Token]:
    return _MARKDOWN.parse(text)


def address_of(text: str) -> str:
    """The address that the whole runbook is, "" for one that is a text."""
    address = text.strip()
    is_one = address.startswith(("https://", "http://")) and not any(char.isspace() for char in address)
    return address if is_one else ""
