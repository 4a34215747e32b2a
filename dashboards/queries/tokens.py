"""Cuts SQL into tokens as PostgreSQL's own scanner does, so that what stands in texts and comments is never taken for SQL. Pure.

Nothing is refused here: what is not closed reaches to the end, and PostgreSQL says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    SPACE = "space"
    COMMENT = "comment"
    # '…', E'…' and $tag$…$tag$.
    STRING = "string"
    # A name in double quotes.
    QUOTED = "quoted"
    # A name in backticks, as MySQL writes it.
    BACKTICKED = "backticked"
    # A keyword or a name.
    WORD = "word"
    NUMBER = "number"
    # :name
    PARAMETER = "parameter"
    # $1
    POSITION = "position"
    # One character of anything else, or "::".
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """``start`` is its place in the statement, in characters."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """A keyword in capitals; "" for anything but a bare word."""
        return self.text.upper() if self.kind is TokenKind.WORD else ""

    @property
    def is_silent(self) -> bool:
        return self.kind in (TokenKind.SPACE, TokenKind.COMMENT)


# Keywords that a value follows.
_BEFORE_VALUES = frozenset("AND BETWEEN CASE DISTINCT ELSE FROM ILIKE IN IS LIKE NOT OR SELECT THEN WHEN WHERE".split())
_LETTER = r"[A-Za-z_\u0080-\U0010ffff]"
_NUMBER = re.compile(
    r"0[xX][0-9A-Fa-f_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?",
    re.ASCII,
)
_DOLLAR = re.compile(rf"\$(?:{_LETTER}[A-Za-z0-9_\u0080-\U0010ffff]*)?\$")
# A text goes on after a line break: 'a'⏎'b' is 'ab', and stays one of escapes when it began as one.
_CONTINUED = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_PLAIN_QUOTE = re.compile(r"[^']*(?:''[^']*)*'?")
_ESCAPED_QUOTE = re.compile(r"(?:[^'\\]|''|\\.)*(?:'|\\?\Z)", re.DOTALL)
_TO_DOUBLE_QUOTE = re.compile(r'[^"]*(?:""[^"]*)*"?')
_TO_BACKTICK = re.compile(r"[^`]*(?:``[^`]*)*`?")


def tokens_of(statement: str) -> Iterator[Token]:
    """Every character of the statement is in exactly one token.

    Within brackets a colon behind a value is that of a slice: x[1:n] has no parameter, x[:n] and x[1 : :n] have one.
    """
    at, brackets = 0, 0
    before: Token | None = None
    while at < len(statement):
        kind, end = _next(statement, at)
        if kind is TokenKind.PARAMETER and brackets and before is not None and _ends_a_value(before):
            kind, end = TokenKind.SIGN, at + 1
        token = Token(kind, statement[at:end], at)
        yield token
        at = end
        if not token.is_silent:
            before = token
            brackets = max(brackets + {"[": 1, "]": -1}.get(token.text, 0), 0)


def _ends_a_value(token: Token) -> bool:
    if token.kind is TokenKind.SIGN:
        return token.text in (")", "]")
    return token.word not in _BEFORE_VALUES


def _next(statement: str, at: int) -> tuple[TokenKind, int]:
    """The kind of the token that begins there, and where it ends."""
    if (found := _next_closed(statement, at)) is not None:
        return found
    for kind, pattern in _PATTERNS:
        if match := pattern.match(statement, at):
            return kind, match.end()
    return TokenKind.SIGN, at + 1


def _next_closed(statement: str, at: int) -> tuple[TokenKind, int] | None:
    """A token that goes on until something closes it; None when none begins there."""
    first, two = statement[at], statement[at : at + 2]
    if two == "/*":
        return TokenKind.COMMENT, _end_of_comment(statement, at)
    if first == "'":
        return TokenKind.STRING, _end_of_text(statement, at + 1, _PLAIN_QUOTE)
    if two in ("E'", "e'"):
        return TokenKind.STRING, _end_of_text(statement, at + 2, _ESCAPED_QUOTE)
    if first == '"':
        return TokenKind.QUOTED, _end(_TO_DOUBLE_QUOTE, statement, at + 1)
    if first == "`":
        return TokenKind.BACKTICKED, _end(_TO_BACKTICK, statement, at + 1)
    if first == "$" and (opened := _DOLLAR.match(statement, at)):
        closed = statement.find(opened.group(), opened.end())
        return TokenKind.STRING, len(statement) if closed < 0 else closed + len(opened.group())
    return None


_PATTERNS = (
    (TokenKind.SPACE, re.compile(r"[ \t\n\r\f\v]+")),
    (TokenKind.COMMENT, re.compile(r"--[^\n\r]*")),
    (TokenKind.WORD, re.compile(rf"{_LETTER}[A-Za-z0-9_$\u0080-\U0010ffff]*")),
    (TokenKind.NUMBER, _NUMBER),
    (TokenKind.SIGN, re.compile("::")),
    (TokenKind.PARAMETER, re.compile(r":[A-Za-z_][A-Za-z0-9_]*")),
    (TokenKind.POSITION, re.compile(r"\$[0-9]+")),
)


def _end(pattern: re.Pattern[str], statement: str, at: int) -> int:
    found = pattern.match(statement, at)
    return found.end() if found else len(statement)


def _end_of_text(statement: str, at: int, quote: re.Pattern[str]) -> int:
    at = _end(quote, statement, at)
    while statement[at - 1] == "'" and (continued := _CONTINUED.match(statement, at)):
        at = _end(quote, statement, continued.end())
    return at


def _end_of_comment(statement: str, at: int) -> int:
    """Comments of this kind lie in one another."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(statement, at):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(statement)
