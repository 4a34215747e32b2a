"""What others wrote, as words of a Markdown text: nothing in it is a heading, a link or a list. Pure."""

import re

from alerts.channels.message import cut, one_line

_SIGNS = re.compile(r"[\\`*\[\]<>~|&]|(?<![^\W_])_|_(?![^\W_])")
# At the beginning of a line they begin something.
_BEGINS = re.compile(r"^(#{1,6}(?=\s|$)|[+\-=](?=\s|$|[+\-=])|>)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")


def plain(text: str, most: int = 500) -> str:
    """On one line, at most ``most`` characters before the signs are escaped that mean something."""
    words = _SIGNS.sub(lambda sign: f"\\{sign[0]}", cut(one_line(text), most))
    words = _BEGINS.sub(lambda sign: f"\\{sign[0]}", words)
    return _NUMBERED.sub(r"\1\\\2", words)
