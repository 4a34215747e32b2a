"""Markdown as a tree of plain values, for what is no HTML. Pure but for the parser.

A node is ``{"k": kind, …}``: ``p``, ``h``, ``ul``, ``ol``, ``quote``, ``code``, ``rule`` and ``table`` for blocks; ``t`` (text),
``b``, ``i``, ``s``, ``c`` (code), ``a`` (link) and ``br`` within them.
"""

from collections.abc import Sequence
from typing import Any

from markdown_it.tree import SyntaxTreeNode

from alerts.channels.message import is_web_address
from alerts.runbooks import writing

type Node = dict[str, Any]

# What is nested deeper is told as text: nobody reads it, and a compiler need not go there.
_DEEPEST = 8
_INLINE = {"strong": "b", "em": "i", "s": "s"}


def blocks_of(text: str) -> list[Node]:
    return _blocks(SyntaxTreeNode(writing.parsed(_sayable(text))).children, 0)


def _sayable(text: str) -> str:
    """Without control signs, which no page can show."""
    return "".join(char if char.isprintable() or char in "\n\t" or char.isspace() else "" for char in text)


def _blocks(nodes: Sequence[SyntaxTreeNode], depth: int) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        found += _block(node, depth)
    return found


def _block(node: SyntaxTreeNode, depth: int) -> list[Node]:
    if depth >= _DEEPEST:
        words = " ".join(_text(node).split())
        return [{"k": "p", "c": [{"k": "t", "v": words}]}] if words else []
    match node.type:
        case "paragraph":
            return [{"k": "p", "c": _inlines(node.children)}]
        case "heading":
            return [{"k": "h", "c": _inlines(node.children)}]
        case "bullet_list" | "ordered_list":
            items = [_blocks(item.children, depth + 1) for item in node.children]
            start = node.attrs.get("start", 1)
            kind = "ul" if node.type == "bullet_list" else "ol"
            return [{"k": kind, "c": items, "start": start if isinstance(start, int) else 1}]
        case "blockquote":
            return [{"k": "quote", "c": _blocks(node.children, depth + 1)}]
        case "fence" | "code_block":
            return [{"k": "code", "v": node.content.rstrip("\n")}]
        case "hr":
            return [{"k": "rule"}]
        case "table":
            rows = [row for part in node.children for row in part.children]
            cells = [[_inlines(cell.children) for cell in row.children] for row in rows]
            return [{"k": "table", "columns": max((len(row) for row in cells), default=1), "rows": cells}]
    return [{"k": "p", "c": _inlines([node])}]


def _inlines(nodes: Sequence[SyntaxTreeNode]) -> list[Node]:
    found: list[Node] = []
    for node in nodes:
        found += _inline(node)
    return found


def _inline(node: SyntaxTreeNode) -> list[Node]:
    match node.type:
        case "inline":
            return _inlines(node.children)
        case "text":
            return [{"k": "t", "v": node.content}] if node.content else []
        case "code_inline":
            return [{"k": "c", "v": node.content}]
        case "softbreak":
            return [{"k": "t", "v": " "}]
        case "hardbreak":
            return [{"k": "br"}]
        case "strong" | "em" | "s":
            return [{"k": _INLINE[node.type], "c": _flat(node.children)}]
        case "link":
            address = str(node.attrs.get("href", ""))
            inner = _flat(node.children)
            return [{"k": "a", "href": address, "c": inner}] if is_web_address(address) else inner
    return [{"k": "t", "v": _text(node)}]


def _flat(nodes: Sequence[SyntaxTreeNode]) -> list[Node]:
    """Within what is strong or a link: text and code. What is both strong and struck through is told without one of them."""
    found: list[Node] = []
    for node in nodes:
        if node.type in ("strong", "em", "s", "link"):
            found += _flat(node.children)
        else:
            found += _inline(node)
    return found


def _text(node: SyntaxTreeNode) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return " "
    return node.content if not node.children else " ".join(_text(child) for child in node.children)
